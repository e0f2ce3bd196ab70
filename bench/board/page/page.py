"""Page: what a command prints, before it has a format: tables, notes, and the same as records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bench.board.answer import answer, differences
from bench.board.board import Board
from bench.board.cells import Key, Runs
from bench.board.footnotes import FIELDS
from bench.board.inference import paired_p
from bench.board.notes import notes
from bench.board.page.board_table import board_grid
from bench.board.page.cited import cited_notes, cited_records
from bench.board.page.table import Grid
from bench.board.relative_cost import Cost


@dataclass(frozen=True)
class Page:
    """Tables and what is said about them for readers, records for programs."""

    title: str
    lead: tuple[str, ...]
    """What the tables answer, which comes before them where a page is read from its top."""
    grids: tuple[Grid, ...]
    notes: tuple[str, ...]
    """How to read the tables; a line that begins with spaces belongs to the one before."""
    records: tuple[Mapping[str, Any], ...]
    """One per cell, in long form: the lines of the CSV."""
    facts: Mapping[str, Any]
    """What the JSON says beside the records."""


def board_page(board: Board) -> Page:
    """The page of a board alone."""
    facts: dict[str, Any] = {"title": board.title, "metric": board.metric.name}
    facts["selection"] = ", ".join(dict.fromkeys(cell.selection.name for cell in board.cells.values()))
    facts |= {"differences": _differences(board), "origins": _all_origins(board), "cited": cited_records(board)}
    return Page(
        board.title,
        lead=tuple(answer(board)),
        grids=(board_grid(board),),
        notes=(*notes(board), *cited_notes(board)),
        records=tuple(board_records(board)),
        facts=facts,
    )


def board_records(board: Board) -> list[dict[str, Any]]:
    """One record per cell and swept ρ; `chosen` marks the ρ that the board shows."""
    return [
        {"row": row, "column": column, "scope": scope, "rho": runs.rho, "chosen": runs is cell.chosen}
        | {"metric": board.metric.name, **_numbers(runs), **_origins(board, runs)}
        | (_cost(board, (row, column, scope)) if runs is cell.chosen else dict.fromkeys(_cost(board, _NO_KEY)))
        for (row, column, scope), cell in board.cells.items()
        for runs in cell.swept
    ]


_NO_KEY: Key = ("", "", "")


def _cost(board: Board, key: Key) -> dict[str, float | None]:
    """Relative to the base optimizer, where it was asked for."""
    if board.costs is None:
        return {}
    return asdict(board.costs.get(key, Cost(None, None)))


def _differences(board: Board) -> list[dict[str, Any]]:
    """What the notes tell in sum."""
    return [
        {"row": row, "column": column, "mean": each.mean, "std": each.std, "n": each.n, "p": paired_p(each)}
        for (row, column), each in differences(board).items()
    ]


def _all_origins(board: Board) -> dict[str, dict[str, int]]:
    """Field → value → number of results."""
    counts = board.footnotes.counts
    return {name: {value: count for (of, value), count in counts.items() if of == name} for name in FIELDS}


def _numbers(runs: Runs) -> dict[str, Any]:
    summary = runs.summary
    return {
        "mean": summary.mean if summary else None,
        "std": summary.std if summary else None,
        "n": summary.n if summary else 0,
        "expected": runs.expected,
        "failures": " ".join(f"{outcome}:{count}" for outcome, count in runs.failures.items()),
        "unmeasured": runs.unmeasured,
    }


def _origins(board: Board, runs: Runs) -> dict[str, str]:
    """Field → its values, each once."""
    origins = list(dict.fromkeys(runs.origins))
    found = [{**each.told(board.footnotes.parts), "commit": each.commit} for each in origins]
    return {name: "; ".join(dict.fromkeys(values[name] for values in found)) for name in (*FIELDS, "commit")}
