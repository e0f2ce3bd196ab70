"""Page: what a command prints, before it has a format: tables, notes, and the same as records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bench.board.aggregate import Board, Runs
from bench.board.board_grid import board_grid
from bench.board.grid import Grid
from bench.board.notes import notes
from bench.board.origin import FIELDS


@dataclass(frozen=True)
class Page:
    """Tables and notes for readers, records for programs."""

    title: str
    grids: tuple[Grid, ...]
    notes: tuple[str, ...]
    records: tuple[Mapping[str, Any], ...]
    """One per cell, in long form: the lines of the CSV."""
    facts: Mapping[str, Any]
    """What the JSON says beside the records."""


def board_page(board: Board) -> Page:
    """The page of a board alone."""
    facts = {"title": board.title, "metric": board.metric, "selection": board.selection}
    return Page(board.title, (board_grid(board),), tuple(notes(board)), tuple(board_records(board)), facts)


def board_records(board: Board) -> list[dict[str, Any]]:
    """One record per cell and swept ρ; `chosen` marks the ρ that the board shows."""
    return [
        {"row": row, "column": column, "scope": scope, "rho": runs.rho, "chosen": runs is cell.chosen}
        | {"metric": board.metric, **_numbers(runs), **_origins(runs)}
        for (row, column, scope), cell in board.cells.items()
        for runs in cell.swept
    ]


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


def _origins(runs: Runs) -> dict[str, str]:
    """Field → its values, each once."""
    found = [asdict(origin) for origin in dict.fromkeys(runs.origins)]
    return {name: "; ".join(dict.fromkeys(values[name] for values in found)) for name in FIELDS}
