"""Cited: rows that the paper takes from other papers, shown as such and never as ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.board.board import Board
from bench.board.layouts.paper import PaperLayout
from bench.board.page.table import EMPTY, Section, TableCell, TableRow
from bench.papers.sam_on.forms import METHODS, paper_name
from bench.papers.sam_on.numbers import PaperCell, numbers


def cited_cells(board: Board) -> list[PaperCell]:
    """Those of the board's table and metric; none for a board that is no table of the paper with such lines."""
    layout = board.layout
    if not isinstance(layout, PaperLayout) or not layout.form.cited:
        return []
    return numbers().cited(layout.table, board.metric.name)


def cited_block(board: Board, titles: Sequence[str]) -> list[Section]:
    """The cited cells as a block, a line for each method, in columns with these titles and the board's scopes."""
    cells = {
        (paper_name(cell.subject.model), cell.subject.variant, cell.subject.scope): cell for cell in cited_cells(board)
    }
    lines = [
        TableRow(
            METHODS[variant],
            tuple(_entry(cells.get((title, variant, scope))) for title in titles for scope in board.scopes),
        )
        for variant in dict.fromkeys(variant for title, variant, _ in cells if title in titles)
    ]
    return [Section("cited", tuple(lines))] if lines else []


def cited_notes(board: Board) -> list[str]:
    """Where these numbers come from."""
    told = [f"{METHODS[cell.subject.variant]} {cell.text} ({cell.note})" for cell in cited_cells(board)]
    return [f"Cited, neither trained here nor by the paper: {'; '.join(told)}."] if told else []


def cited_records(board: Board) -> list[dict[str, Any]]:
    """The same for programs, apart from the records of trials."""
    return [
        {"row": METHODS[cell.subject.variant], "model": cell.subject.model, "scope": cell.subject.scope}
        | {"metric": cell.measure, "mean": cell.mean, "std": cell.std, "note": cell.note}
        for cell in cited_cells(board)
    ]


def _entry(cell: PaperCell | None) -> TableCell:
    return TableCell(cell.text, ("cited",)) if cell else TableCell(EMPTY)
