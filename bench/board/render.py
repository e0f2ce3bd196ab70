"""Render: a board as a terminal table, Markdown or CSV, and what it says in words."""

from __future__ import annotations

import csv
import io

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench.board.aggregate import Board, Cell
from bench.board.layout import BASE_ROW
from bench.trial import NONE

Key = tuple[str, str, str]
EMPTY = "–"


def terminal(board: Board) -> RenderableType:
    """A rich table; the better scope bold, the best of a column underlined."""
    table = Table(title=board.title, title_justify="left", title_style="bold", show_lines=True)
    titles, lines = _grid(board, "\n")
    for title in titles:
        table.add_column(title, no_wrap=title == titles[0])
    for label, keys in lines:
        table.add_row(label, *(Text(_cell_text(board, key, "\n"), style=_style(board, key)) for key in keys))
    return Group(table, Text("\n".join(notes(board))))


def markdown(board: Board) -> str:
    """A Markdown table with its notes."""
    titles, lines = _grid(board, "<br>")
    table = [_pipe(titles), _pipe(["---"] * len(titles))]
    table += [_pipe([label, *(_markdown_cell(board, key) for key in keys)]) for label, keys in lines]
    return "\n".join(
        [
            f"### {board.title}",
            "",
            *table,
            "",
            *(f"  - {note.strip()}" if note.startswith(" ") else f"- {note}" for note in notes(board)),
            "",
        ]
    )


def as_csv(board: Board) -> str:
    """One line per cell and swept ρ, in long form; `chosen` marks the ρ that the board shows."""
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(["row", "column", "scope", "rho", "chosen", "metric", "mean", "std", "n", "expected", "failures"])
    for (row, column, scope), cell in board.cells.items():
        for runs in cell.swept:
            summary = runs.summary
            numbers = [summary.mean, summary.std, summary.n] if summary else [None, None, 0]
            failures = " ".join(f"{outcome}:{count}" for outcome, count in runs.failures.items())
            writer.writerow(
                [
                    row,
                    column,
                    scope,
                    runs.rho,
                    runs is cell.chosen,
                    board.metric,
                    *numbers,
                    runs.expected,
                    failures,
                ]
            )
    return sink.getvalue()


def notes(board: Board) -> list[str]:
    """How to read the board, and what it answers."""
    if board.empty:
        return ["No trial is done yet."]
    fixed = ", ".join(f"{name} {value}" for name, value in board.layout.shared.items())
    lines = [
        f"{board.metric} in %: mean ± sample std (n seeds). Bold: the better scope of a row; "
        "underlined: the best of a column.",
        f"ρ chosen by mean {board.selection} among the swept values"
        + ("." if board.selection != board.metric else ", the same split as is reported."),
    ]
    if any(cell.at_edge for cell in board.cells.values()):
        lines.append("†: the chosen ρ is the smallest or largest that was swept; a better one may lie beyond.")
    if fixed:
        lines.append(f"All trials: {fixed}.")
    return lines + list(board.remarks) + answer(board)


def answer(board: Board) -> list[str]:
    """Does only_norm beat all? The paired difference of each pair of cells, and the count."""
    pairs = {
        (row, column): difference
        for row in board.rows
        for column in board.columns
        if (difference := board.difference(row, column, "only_norm", "all"))
    }
    if not pairs:
        return []
    lines = ["only_norm − all in points, paired over seeds, mean ± std (n):"]
    lines += [f"  {row}, {column}: {pair.text(2, sign=True)}" for (row, column), pair in pairs.items()]
    ahead = sum(pair.mean > 0 for pair in pairs.values())
    behind = sum(pair.mean < 0 for pair in pairs.values())
    clear = sum(pair.std is not None and abs(pair.mean) > pair.std for pair in pairs.values())
    lines.append(
        f"only_norm is ahead in {ahead} and behind in {behind} of {len(pairs)} comparisons; "
        f"in {clear} of them by more than one std of the paired differences."
    )
    return lines


def _grid(board: Board, newline: str) -> tuple[list[str], list[tuple[str, list[Key]]]]:
    """Titles of the columns, and label and cells of each line.

    Two scopes stand side by side in each column, as in the paper; more would be too wide and become lines.
    """
    if len(board.scopes) <= 2:
        titles = [f"{column}{newline}{scope}" for column in board.columns for scope in board.scopes]
        return ["variant", *titles], [(row, _side_by_side(board, row)) for row in board.rows]
    lines = dict.fromkeys((row, scope) for row, _, scope in board.cells)
    labelled = [(row if scope == NONE else f"{row} / {scope}", row, scope) for row, scope in lines]
    cells = [(label, [(row, column, scope) for column in board.columns]) for label, row, scope in labelled]
    return ["variant / scope", *board.columns], cells


def _side_by_side(board: Board, row: str) -> list[Key]:
    """The cells of a row; the base optimizer has one per column, shown under the first scope."""
    keys = []
    for column in board.columns:
        for index, scope in enumerate(board.scopes):
            base = row == BASE_ROW and index == 0
            keys.append((row, column, NONE if base else scope))
    return keys


def _cell_text(board: Board, key: Key, separator: str) -> str:
    cell = board.cells.get(key)
    if cell is None:
        return EMPTY
    parts = [_value(cell)]
    if cell.chosen.rho is not None and cell.chosen.values:
        parts.append(f"ρ {cell.chosen.rho:g}{'†' if cell.at_edge else ''}")
    missing = cell.chosen.expected - len(cell.chosen.values) - sum(cell.chosen.failures.values())
    parts += [f"{count} {outcome}" for outcome, count in cell.chosen.failures.items()]
    if missing:
        parts.append(f"{missing} of {cell.chosen.expected} seeds missing")
    return separator.join(parts)


def _value(cell: Cell) -> str:
    summary = cell.chosen.summary
    return summary.text() if summary else EMPTY


def _style(board: Board, key: Key) -> str:
    words = ["bold"] if board.better(*key[:2]) == key else []
    return " ".join([*words, "underline"] if board.best(key[1]) == key else words)


def _markdown_cell(board: Board, key: Key) -> str:
    value, *rest = _cell_text(board, key, "\n").split("\n")
    style = _style(board, key)
    if "bold" in style:
        value = f"**{value}**"
    if "underline" in style:
        value = f"<u>{value}</u>"
    return "<br>".join([value, *rest])


def _pipe(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
