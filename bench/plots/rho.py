"""Metric over ρ for each scope with error bands, as in the paper's Figs. 1, 2, 6, 7 and 10.

Columns of the board that differ in what is trained share their panels, as Fig. 10 wants it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

from bench.board.board import Board
from bench.board.cells import Cell
from bench.board.statistics import Summary
from bench.plots.drawing import Drawing, grouped
from bench.plots.lines import line
from bench.trial import NONE, Trial

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_STYLES = {"only_norm": "--", "no_norm": ":"}
"""Lines of scopes as in the paper's figures; all others are solid."""


def draw(drawing: Drawing) -> None:
    """One panel per variant and column of the board that has trials of it."""
    from matplotlib import pyplot as plt

    board = drawing.board
    perturbed = {row for (row, _, _), cell in board.cells.items() if cell.trial.perturbs}
    rows = [row for row in board.rows if row in perturbed] or list(board.rows)
    placed = {(row, column) for row, column, _ in board.cells}
    drawing.need_several("ρ", (_radii(cell) for cell in board.cells.values()))
    panels = {
        title: {row: columns for row in rows if any((row, column) in placed for column in columns)}
        for title, columns in grouped(board.columns, lambda c: drawing.title(c, leave_out=("trainable",))).items()
    }
    across = max(map(len, panels.values()))
    drawing.figure, axes = plt.subplots(
        len(panels),
        across,
        figsize=(3.4 * across, 2.8 * len(panels) + 0.8),
        sharey="row",
        squeeze=False,
        layout="constrained",
    )
    for row_of_panels, (title, found) in zip(axes, panels.items(), strict=True):
        for panel, (row, columns) in zip(row_of_panels, found.items(), strict=False):
            _panel(panel, drawing, row, columns)
            panel.set_title(f"{row}\n{title}", fontsize=9)
        for unused in row_of_panels[len(found) :]:
            drawing.figure.delaxes(unused)
        row_of_panels[0].set_ylabel(drawing.metric)


def _panel(axes: Axes, drawing: Drawing, row: str, columns: Sequence[str]) -> None:
    board = drawing.board
    cells = [cell for column in columns for scope in board.scopes if (cell := board.cells.get((row, column, scope)))]
    swept = {rho for cell in cells for rho in _curve(axes, drawing, cell)}
    if not swept:
        axes.text(0.5, 0.5, "no results yet", ha="center", transform=axes.transAxes, color="0.4")
        return
    axes.set_xscale("log")
    # The swept values themselves: powers of ten and their multiples are unreadable in so small a panel.
    labels = {rho: f"{rho:g}" for rho in sorted(swept)}
    axes.set_xticks(list(labels), list(labels.values()), rotation=45 if len(swept) > 4 else 0, fontsize=8)
    axes.minorticks_off()
    for column, color in zip(columns, cycle(_BASE_COLORS)):
        for base_row, style in zip(_base_rows(board, column), cycle(_BASE_STYLES)):
            base = board.cells[base_row, column, NONE]
            if summary := base.chosen.summary:
                label = _label(drawing, base.trial, base_row)
                axes.axhline(summary.mean, color=color, linestyle=style, linewidth=1, label=label)
                if bounds := board.spread.bounds(summary):
                    axes.axhspan(*bounds, color=color, alpha=0.15, lw=0)
    axes.set_xlabel("ρ")
    axes.grid(alpha=0.25, linewidth=0.5)


def _base_rows(board: Board, column: str) -> list[str]:
    return [row for (row, of, _), cell in board.cells.items() if of == column and not cell.trial.perturbs]


_BASE_COLORS = ("0.35", "0.65", "0.5")
"""Of base optimizers, a shade for each column that shares the panel."""
_BASE_STYLES: tuple[Any, ...] = ("-.", (0, (6, 2)), (0, (1, 1)))
"""Lines of base optimizers, which there are several of where they train for different numbers of epochs."""


def _curve(axes: Axes, drawing: Drawing, cell: Cell) -> set[float]:
    """Draw one scope; returns the ρ that have results."""
    label = _label(drawing, cell.trial, cell.trial.scope)
    color, marker = drawing.style(label)
    points = _radii(cell)
    if points:
        drawing.counts |= {summary.n for summary in points.values()}
        style = _STYLES.get(cell.trial.scope, "-")
        line(axes, drawing, points, color=color, marker=marker, label=label, style=style)
    return set(points)


def _radii(cell: Cell) -> dict[float, Summary]:
    """What there is at each ρ."""
    return {runs.rho: summary for runs in cell.swept if runs.rho and (summary := runs.summary)}


def _label(drawing: Drawing, trial: Trial, name: str) -> str:
    varies = "trainable" in drawing.board.layout.column_fields
    return f"{name}, {_TRAINED[trial.trainable]}" if varies else name


_TRAINED = {
    "all": "norm layers trained", "freeze_norm": "norm layers fixed", "only_norm": "only norm layers trained",
}  # fmt: skip
