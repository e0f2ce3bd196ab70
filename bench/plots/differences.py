"""Bars of only_norm − all, paired over seeds, with 95 % confidence intervals of Student's t."""

from __future__ import annotations

from bench.board.statistics import Summary
from bench.plots.drawing import STYLES, Drawing

OURS, THEIRS = "only_norm", "all"


def draw(drawing: Drawing) -> None:
    """One bar per variant and column of the board, at each scope's chosen ρ."""
    board = drawing.board
    pairs = {
        f"{row}\n{column}" if len(board.columns) > 1 else row: difference
        for column in board.columns
        for row in board.rows
        if (difference := board.difference(row, column, OURS, THEIRS))
    }
    (panel,) = drawing.panels(1, width=max(5.0, 1.1 * len(pairs) + 1.5))
    for place, difference in enumerate(pairs.values()):
        drawing.counts.add(difference.n)
        color, _ = STYLES[0 if difference.mean >= 0 else 1]
        panel.bar(place, difference.mean, yerr=half_width(difference), color=color, alpha=0.75, capsize=3, width=0.65)
    if len(board.columns) == 1:
        panel.set_title(board.columns[0], fontsize=9)
    panel.axhline(0, color="0.2", linewidth=0.8)
    panel.set_xticks(range(len(pairs)), list(pairs), rotation=30, ha="right", fontsize=8)
    panel.set_ylabel(f"{OURS} − {THEIRS} (points)")
    panel.grid(axis="y", alpha=0.25, linewidth=0.5)


def half_width(difference: Summary, confidence: float = 0.95) -> float:
    """Half of the confidence interval of a mean; 0 for a single pair, of which nothing is known."""
    from scipy.stats import t

    if difference.std is None:
        return 0.0
    quantile = float(t.ppf((1 + confidence) / 2, difference.n - 1))
    return quantile * difference.std / difference.n**0.5
