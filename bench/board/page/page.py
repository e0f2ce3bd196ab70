"""Page: what a command prints, before formatting: tables, notes, and the same as records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bench.board.answer import OURS, answer
from bench.board.board import Board
from bench.board.cells import Key, Runs
from bench.board.footnotes import FIELDS
from bench.board.notes import notes
from bench.board.page.board_table import board_grid
from bench.board.page.cited import cited_notes, cited_records
from bench.board.page.table import Grid
from bench.board.relative_cost import Cost
from bench.board.statistics import NO_RESULT
from bench.board.uncertainty.paired import Paired, paired, paired_grid, paired_notes


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
    pairs: tuple[Mapping[str, Any], ...] = ()
    """One per two methods that are compared: lines of the CSV below the cells', with columns of their own."""


def board_page(board: Board) -> Page:
    """The page of a board alone."""
    found = paired(board)
    facts: dict[str, Any] = {"title": board.title, "metric": board.metric.name}
    facts["selection"] = ", ".join(dict.fromkeys(cell.selection.name for cell in board.cells.values()))
    facts |= {
        "spread": board.spread.name,
        "differences": _differences(found),
        "origins": _all_origins(board),
        "cited": cited_records(board),
    }
    return Page(
        board.title,
        lead=tuple(answer(board)),
        grids=(board_grid(board), *([paired_grid(board, found)] if found else [])),
        notes=(*notes(board), *paired_notes(found), *cited_notes(board)),
        records=tuple(board_records(board)),
        facts=facts,
    )


def board_records(board: Board) -> list[dict[str, Any]]:
    """One record per cell and swept ρ; `chosen` marks the ρ that the board shows."""
    found = paired(board)
    return [
        {"row": row, "column": column, "scope": scope, **cell.record}
        | {"rho": runs.rho, "chosen": runs is cell.chosen, "metric": board.metric.name, **_numbers(board, runs)}
        | _difference(found.get((row, column)) if scope == OURS and runs is cell.chosen else None)
        | _origins(board, runs)
        | (_cost(board, (row, column, scope)) if runs is cell.chosen else dict.fromkeys(_cost(board, _NO_KEY)))
        for (row, column, scope), cell in board.cells.items()
        for runs in cell.swept
    ]


def _differences(found: Mapping[tuple[str, str], Paired]) -> list[dict[str, Any]]:
    """What the table of differences shows."""
    return [{"row": row, "column": column, **each.record} for (row, column), each in found.items()]


def _difference(each: Paired | None) -> dict[str, Any]:
    """In the record of only_norm at its chosen ρ: what it is ahead of all by."""
    told = {} if each is None else each.record
    return {f"difference_{name}": told.get(name) for name in ("mean", "low", "high", "n", "p", "verdict")} | {
        "seeds_needed": told.get("seeds_needed")
    }


_NO_KEY: Key = ("", "", "")


def _cost(board: Board, key: Key) -> dict[str, float | None]:
    """Relative to the base optimizer, where it was asked for."""
    if board.costs is None:
        return {}
    return asdict(board.costs.get(key, Cost(None, None)))


def _all_origins(board: Board) -> dict[str, dict[str, int]]:
    """Field → value → number of results."""
    counts = board.footnotes.counts
    return {name: {value: count for (of, value), count in counts.items() if of == name} for name in FIELDS}


def _numbers(board: Board, runs: Runs) -> dict[str, Any]:
    summary = runs.summary
    low, high = (board.spread.bounds(summary) if summary else None) or (None, None)
    return {
        **(summary.record if summary else NO_RESULT),
        "spread": board.spread.name,
        "low": low,
        "high": high,
        "expected": runs.expected,
        "failures": " ".join(f"{outcome}:{count}" for outcome, count in runs.failures.items()),
        "unmeasured": runs.unmeasured,
    }


def _origins(board: Board, runs: Runs) -> dict[str, str]:
    """Field → its values, each once."""
    origins = list(dict.fromkeys(runs.origins))
    found = [{**each.told(board.footnotes.parts), "commit": each.commit} for each in origins]
    return {name: "; ".join(dict.fromkeys(values[name] for values in found)) for name in (*FIELDS, "commit")}
