"""Metric over ρ for each scope with error bands, as in the paper's Figs. 1, 2, 6 and 7."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.board.board import Board
from bench.board.cells import Cell
from bench.board.layouts.base import BASE_ROW
from bench.plots.drawing import STYLES, Drawing, line
from bench.trial import NONE

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw(drawing: Drawing) -> None:
    """One panel per variant and column of the board."""
    from matplotlib import pyplot as plt

    board = drawing.board
    rows = [row for row in board.rows if row != BASE_ROW]
    drawing.figure, axes = plt.subplots(
        len(board.columns),
        max(len(rows), 1),
        figsize=(3.4 * max(len(rows), 1), 2.8 * len(board.columns) + 0.8),
        sharey="row",
        squeeze=False,
        layout="constrained",
    )
    for i, column in enumerate(board.columns):
        for j, row in enumerate(rows):
            _panel(axes[i][j], drawing, board, row, column)
            axes[i][j].set_title(f"{row}\n{column}", fontsize=9)
        axes[i][0].set_ylabel(drawing.metric)


def _panel(axes: Axes, drawing: Drawing, board: Board, row: str, column: str) -> None:
    swept: set[float] = set()
    for style, scope in zip(STYLES, board.scopes, strict=False):
        cell = board.cells.get((row, column, scope))
        if cell is not None:
            swept |= _curve(axes, drawing, cell, scope, style)
    if not swept:
        axes.text(0.5, 0.5, "no results yet", ha="center", transform=axes.transAxes, color="0.4")
        return
    axes.set_xscale("log")
    # The swept values themselves: powers of ten and their multiples are unreadable in so small a panel.
    labels = {rho: f"{rho:g}" for rho in sorted(swept)}
    axes.set_xticks(list(labels), list(labels.values()), rotation=45 if len(swept) > 4 else 0, fontsize=8)
    axes.minorticks_off()
    base = board.cells.get((BASE_ROW, column, NONE))
    if base and (summary := base.chosen.summary):
        axes.axhline(summary.mean, color="0.35", linestyle="--", linewidth=1, label=BASE_ROW)
        if summary.std is not None:
            axes.axhspan(summary.mean - summary.std, summary.mean + summary.std, color="0.5", alpha=0.15, lw=0)
    axes.set_xlabel("ρ")
    axes.grid(alpha=0.25, linewidth=0.5)


def _curve(axes: Axes, drawing: Drawing, cell: Cell, label: str, style: tuple[str, str]) -> set[float]:
    """Draw one scope; returns the ρ that have results."""
    color, marker = style
    points = {runs.rho: summary for runs in cell.swept if runs.rho and (summary := runs.summary)}
    if points:
        drawing.counts |= {summary.n for summary in points.values()}
        line(axes, points, color=color, marker=marker, label=label)
    return set(points)
