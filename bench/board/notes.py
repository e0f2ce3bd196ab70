"""Notes: how to read a board."""

from __future__ import annotations

from collections.abc import Callable

from bench.board.board import Board
from bench.board.cells import Cell
from bench.board.metric import Metric
from bench.board.relative_cost import cost_notes
from bench.board.rho_marks import MARKS
from bench.errors import counted


def notes(board: Board) -> list[str]:
    """How to read the board; before the first result, only which files are damaged."""
    return list(board.left_out) if board.empty else [_reading(board), *circumstances(board)]


def circumstances(board: Board) -> list[str]:
    """How the cells came about: the choice of ρ, what is left out of means, shared fields, origins."""
    cells = board.cells.values()
    lines = [*board.left_out, *_selections(board), *(cost_notes(board.costs) if board.costs else [])]
    lines += [f"{mark}: {text}" for mark, (shown, text) in MARKS.items() if any(map(shown, cells))]
    lines += [text for seen, text in _SIGNS if any(map(seen, cells))]
    if board.trained_again:
        again = counted(board.trained_again, "trial", "was", "were")
        lines.append(f"{again} trained again: the newest result counts, earlier ones are in the table `superseded`.")
    fixed = ", ".join(f"{name} {value}" for name, value in board.layout.shared.items())
    if fixed:
        lines.append(f"All trials: {fixed}.")
    return lines + board.footnotes.notes() + list(board.weak_steps) + list(board.remarks)


def _selections(board: Board) -> list[str]:
    """What ρ was chosen by; by column where columns differ."""
    columns: dict[Metric, dict[str, None]] = {}
    for (_, column, _), cell in board.cells.items():
        if len(cell.swept) > 1:
            columns.setdefault(cell.selection, {})[column] = None
    lines = []
    for selection, chosen in columns.items():
        where = f" in {', '.join(chosen)}" if len(columns) > 1 else ""
        split = ", the same split as is reported." if selection == board.metric else "."
        lines.append(f"ρ chosen by mean {selection.name}{where} among the swept values{split}")
    return lines


_SIGNS: tuple[tuple[Callable[[Cell], bool], str], ...] = (
    (lambda cell: cell.chosen.summary is None, "–: no result."),
    (lambda cell: len(cell.chosen.values) == 1, "± –: one seed has no spread."),
    (
        lambda cell: bool(cell.chosen.failures),
        "Trials that are not done (pruned, diverged, …) are counted below their cell and enter no mean.",
    ),
)
"""What a cell may show, and what it means."""


def _reading(board: Board) -> str:
    metric = board.metric
    better = ", lower is better" if metric.lower_is_better else ""
    best = "the best of a pair of columns" if len(board.scopes) == 2 else "the best of a column"
    bold = "Bold: the better scope of a row; underlined" if len(board.scopes) > 1 else "Underlined"
    return f"{metric.name} in {metric.unit}{better}: {board.spread.about} (n seeds). {bold}: {best}."
