"""The table of a board: methods as rows, scopes side by side in each column, as in the paper."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bench.board.board import Board
from bench.board.cells import Cell, Key
from bench.board.footnotes import Footnotes
from bench.board.page.cited import cited_block
from bench.board.page.table import EMPTY, Grid, Section, TableCell, TableRow, Title
from bench.board.rho_marks import MARKS
from bench.trial import NONE


def board_grid(board: Board) -> Grid:
    """Two scopes stand side by side in each column; more would be too wide and become lines, and so do costs."""
    titles = list(dict.fromkeys(board.layout.parts(column)[1] for column in board.columns))
    blocks = dict.fromkeys(board.layout.parts(column)[0] for column in board.columns)
    side_by_side = len(board.scopes) == 2 and board.costs is None
    lines = _side_by_side if side_by_side else _stacked
    made = [Section(block, tuple(lines(board, block, titles))) for block in blocks]
    made += cited_block(board, titles) if side_by_side else []
    top = tuple(Title(title, len(board.scopes) if side_by_side else 1) for title in titles)
    below = tuple(Title(board.layout.scope_title(scope)) for _ in titles for scope in board.scopes)
    scoped = not side_by_side and any(scope != NONE for _, _, scope in board.cells)
    corner = f"{board.layout.corner} / scope" if scoped else board.layout.corner
    if board.costs is not None:
        top = tuple(Title(title, 1 + len(_COSTS)) for title in titles)
        below = tuple(map(Title, (board.metric.name, *_COSTS))) * len(titles)
    levels = (top, below) if side_by_side or board.costs is not None else (top,)
    return Grid(board.title, corner, levels, tuple(made))


_COSTS = ("passes", "time")
"""Columns beside the metric, where costs are asked for."""


def _side_by_side(board: Board, block: str, titles: list[str]) -> list[TableRow]:
    """A base optimizer has no scope, so its entry spans both."""
    columns = _columns(board, block)
    footnotes = board.footnotes
    lines = []
    for row in board.rows:
        entries: list[TableCell] = []
        for title in titles:
            column = columns.get(title, "")
            if (row, column, NONE) in board.cells:
                entries.append(_entry(board, footnotes, (row, column, NONE), span=2))
            else:
                entries += [_entry(board, footnotes, (row, column, scope)) for scope in board.scopes]
        lines.append(TableRow(row, tuple(entries)))
    return [line for line in lines if _filled(line)]


def _stacked(board: Board, block: str, titles: list[str]) -> list[TableRow]:
    columns = _columns(board, block)
    footnotes = board.footnotes
    lines = []
    for row, scope in dict.fromkeys((row, scope) for row, _, scope in board.cells):
        keys = [(row, columns.get(title, ""), scope) for title in titles]
        entries = [entry for key in keys for entry in (_entry(board, footnotes, key), *_cost_entries(board, key))]
        lines.append(TableRow(board.layout.line(row, scope), tuple(entries)))
    return [line for line in lines if _filled(line)]


def _columns(board: Board, block: str) -> dict[str, str]:
    """Title → column, of one block."""
    parts = {column: board.layout.parts(column) for column in board.columns}
    return {title: column for column, (of, title) in parts.items() if of == block}


def _filled(line: TableRow) -> bool:
    """Whether the block has a cell in that line at all."""
    return any(entry.text != EMPTY or entry.details for entry in line.entries)


def _entry(board: Board, footnotes: Footnotes, key: Key, span: int = 1) -> TableCell:
    cell = board.cells.get(key)
    if cell is None:
        return TableCell(EMPTY, span=span)
    summary = cell.chosen.summary
    return TableCell(
        board.spread.text(summary, board.digits) if summary else EMPTY,
        tuple(cell_details(cell)),
        bold=board.better(*key[:2]) == key,
        underline=board.best(key[1]) == key,
        marks=footnotes.marks(cell.chosen.origins),
        span=span,
    )


def _cost_entries(board: Board, key: Key) -> list[TableCell]:
    if board.costs is None:
        return []
    cost = board.costs.get(key)
    values = [getattr(cost, name) if cost else None for name in _COSTS]
    return [TableCell(EMPTY if value is None else f"{value:.2f}") for value in values]


def grid_of_cells(
    board: Board, caption: str, titles: Sequence[str], lines: Iterable[tuple[Key, Sequence[TableCell]]]
) -> Grid:
    """A line for each cell of the board, in a block for each of its columns, below titles of its own."""
    blocks: dict[str, list[TableRow]] = {}
    for (row, column, scope), entries in lines:
        blocks.setdefault(column, []).append(TableRow(board.layout.line(row, scope), tuple(entries)))
    made = tuple(Section(column, tuple(rows)) for column, rows in blocks.items())
    return Grid(caption, board.layout.corner, (tuple(map(Title, titles)),), made, alike=False)


def cell_details(cell: Cell) -> list[str]:
    """The ρ, and what is not in the mean."""
    chosen = cell.chosen
    marks = "".join(mark for mark, (shown, _) in MARKS.items() if shown(cell))
    lines = [f"ρ {chosen.rho:g}{marks}"] if chosen.rho is not None and chosen.values else []
    lines += [f"{count} {outcome}" for outcome, count in chosen.failures.items()]
    if chosen.unmeasured:
        lines.append(f"{chosen.unmeasured} not measured")
    if chosen.missing:
        lines.append(f"{chosen.missing} of {chosen.expected} seeds missing")
    return lines
