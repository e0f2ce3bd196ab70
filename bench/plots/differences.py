"""Bars of only_norm − all, paired over seeds, with 95 % confidence intervals of Student's t."""

from __future__ import annotations

from bench.board.answer import OURS, THEIRS, differences
from bench.board.inference import half_width
from bench.plots.drawing import STYLES, Drawing


def draw(drawing: Drawing) -> None:
    """One bar per variant and column of the board, at each scope's chosen ρ."""
    board = drawing.board
    pairs = {
        f"{row}\n{column}" if len(board.columns) > 1 else row: difference
        for (row, column), difference in differences(board).items()
    }
    (panel,) = drawing.panels(1, width=max(5.0, 1.1 * len(pairs) + 1.5))
    for place, difference in enumerate(pairs.values()):
        drawing.counts.add(difference.n)
        color, _ = STYLES[0 if board.metric.gain(difference.mean) >= 0 else 1]
        half = half_width(difference)
        # Of a single pair nothing is known: paler, and without an interval that would look like certainty.
        alpha = 0.75 if half is not None else 0.3
        panel.bar(place, difference.mean, yerr=half, color=color, alpha=alpha, capsize=3, width=0.65)
    if len(board.columns) == 1:
        panel.set_title(board.columns[0], fontsize=9)
    panel.axhline(0, color="0.2", linewidth=0.8)
    panel.set_xticks(range(len(pairs)), list(pairs), rotation=30, ha="right", fontsize=8)
    panel.set_ylabel(f"{OURS} − {THEIRS} ({board.metric.difference_unit})")
    panel.grid(axis="y", alpha=0.25, linewidth=0.5)
