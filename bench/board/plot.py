"""Plot: accuracy over ρ for each scope with error bands, as in the paper's Fig. 1."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bench.board.aggregate import Board, Cell
from bench.board.layout import BASE_ROW
from bench.store import files
from bench.trial import NONE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's colours, distinct for the colour-blind, with markers for print in grey.
_STYLES = (("#0072B2", "o"), ("#D55E00", "s"), ("#009E73", "^"), ("#CC79A7", "D"), ("#E69F00", "v"))
FORMATS = ("png", "svg", "pdf")


def plot_rho(board: Board, outputs: list[Path]) -> None:
    """Write one panel per variant and column to every path; the format follows its suffix."""
    import io

    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    rows = [row for row in board.rows if row != BASE_ROW]
    figure, axes = plt.subplots(
        len(board.columns),
        len(rows),
        figsize=(3.4 * len(rows), 2.8 * len(board.columns) + 0.8),
        sharey="row",
        squeeze=False,
        layout="constrained",
    )
    for i, column in enumerate(board.columns):
        for j, row in enumerate(rows):
            _panel(axes[i][j], board, row, column)
            axes[i][j].set_title(f"{row}\n{column}", fontsize=9)
        axes[i][0].set_ylabel(f"{board.metric.replace('_', ' ')} (%)")
    labelled = [panel.get_legend_handles_labels() for panel in figure.axes]
    legend = {label: handle for handles, labels in labelled for handle, label in zip(handles, labels, strict=True)}
    figure.legend(
        list(legend.values()), list(legend), loc="outside lower center", ncols=max(len(legend), 1), frameon=False
    )
    figure.suptitle(f"{board.title} (mean ± std, n = {_seeds(board)})", fontsize=11)
    for output in outputs:
        buffer = io.BytesIO()
        figure.savefig(buffer, format=output.suffix.removeprefix("."), dpi=160)
        output.parent.mkdir(parents=True, exist_ok=True)
        files.write(output, buffer.getvalue())
    plt.close(figure)


def _panel(axes: Axes, board: Board, row: str, column: str) -> None:
    swept: set[float] = set()
    for (color, marker), scope in zip(_STYLES, board.scopes, strict=False):
        cell = board.cells.get((row, column, scope))
        if cell is not None:
            swept |= _curve(axes, cell, scope, color, marker)
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


def _curve(axes: Axes, cell: Cell, label: str, color: str, marker: str) -> set[float]:
    """Draw one scope; returns the ρ that have results."""
    points = {runs.rho: summary for runs in cell.swept if runs.rho and (summary := runs.summary)}
    if points:
        rho, summaries = list(points), points.values()
        mean = [summary.mean for summary in summaries]
        low = [summary.mean - (summary.std or 0.0) for summary in summaries]
        high = [summary.mean + (summary.std or 0.0) for summary in summaries]
        axes.plot(rho, mean, color=color, marker=marker, markersize=4, linewidth=1.4, label=label)
        axes.fill_between(rho, low, high, color=color, alpha=0.2, linewidth=0)
    return set(points)


def _seeds(board: Board) -> str:
    counts = {len(runs.values) for cell in board.cells.values() for runs in cell.swept if runs.values}
    return f"{min(counts)}–{max(counts)}" if len(counts) > 1 else f"{counts.pop()}"
