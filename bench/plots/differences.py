"""Bars of only_norm − all, paired over seeds, with 95 % confidence intervals of Student's t."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.board import Board
from bench.board.answer import OURS, THEIRS, differences
from bench.board.inference import half_width
from bench.board.statistics import Summary
from bench.errors import UserError
from bench.plots.drawing import Drawing
from bench.plots.lines import STYLES, finish

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw(drawing: Drawing) -> None:
    """A panel for each column of the board, a bar for each of its rows, at each scope's chosen ρ."""
    board = drawing.board
    panels = {
        column: {row: each for (row, of), each in differences(board).items() if of == column}
        for column in board.columns
    }
    panels = {column: pairs for column, pairs in panels.items() if pairs}
    if not panels:
        raise UserError(
            f"plot of differences: no method has results of both {OURS} and {THEIRS}; choose another --kind"
        )
    bars = max((len(pairs) for pairs in panels.values()), default=1)
    axes = drawing.panels(len(panels), width=max(3.4, 0.55 * bars + 1.2))
    for panel, (title, pairs) in zip(axes, panels.items(), strict=False):
        for place, difference in enumerate(pairs.values()):
            _bar(panel, drawing, place, difference)
        panel.axhline(0, color="0.2", linewidth=0.8)
        panel.set_xticks(
            range(len(pairs)), [_at(board, row, title) for row in pairs], rotation=30, ha="right", fontsize=8
        )
        finish(panel, title, grid="y")
    drawing.label_rows(axes, f"{OURS} − {THEIRS} ({board.metric.difference_unit})")


def _at(board: Board, row: str, column: str) -> str:
    """The row, and the ρ of both scopes."""
    rhos = [board.cells[row, column, scope].chosen.rho for scope in (OURS, THEIRS)]
    return f"{row}\nρ {' and '.join(f'{rho:g}' for rho in rhos if rho is not None)}"


def _bar(panel: Axes, drawing: Drawing, place: int, difference: Summary) -> None:
    drawing.counts.add(difference.n)
    color, _ = STYLES[0 if drawing.board.metric.gain(difference.mean) >= 0 else 1]
    half = half_width(difference)
    # Of a single pair nothing is known: paler, and without an interval that would look like certainty.
    alpha = 0.75 if half is not None else 0.3
    panel.bar(place, difference.mean, yerr=half, color=color, alpha=alpha, capsize=3, width=0.65)
