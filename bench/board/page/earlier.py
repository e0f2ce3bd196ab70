"""Earlier: results recorded before the meaning of fields changed, in tables of their own below the others."""

from __future__ import annotations

from dataclasses import replace

from bench.board.board import Board, make_board
from bench.board.page.board_table import board_grid
from bench.board.page.page import Page, board_records
from bench.errors import counted
from bench.store import Readable
from bench.store.read.query import as_list
from bench.store.read.snapshot import present
from bench.sweep import Sweep
from bench.trial import SCHEMA
from bench.trial.schemas import EARLIER, id_under


def with_earlier(page: Page, stores: Readable, sweep: Sweep, shown: Board) -> Page:
    """The page of a board, with a table for each earlier schema that results of its trials were made under."""
    for schema in EARLIER:
        ids = {id_under(trial, schema) for trial in sweep.trials}
        if not any(present(store, ids) for store in as_list(stores)):
            continue
        board = make_board(stores, sweep, shown.metric.name, shown.layout, spread=shown.spread.name, schema=schema)
        if board.empty:
            continue
        results = sum(len(runs.values) for cell in board.cells.values() for runs in cell.swept)
        caption = f"Trained under an earlier schema ({schema})"
        told = (
            f"{caption}: {counted(results, 'result')} of trials that agree in all fields that schemas "
            f"{schema} and {SCHEMA} know. What some of these mean has changed since, so they have a table of their own "
            "and enter no mean, choice or test of the others."
        )
        page = replace(
            page,
            grids=(*page.grids, replace(board_grid(board), caption=caption)),
            notes=(*page.notes, told),
            facts={**page.facts, "earlier": [*page.facts.get("earlier", []), _fact(schema, board_records(board))]},
        )
    return page


def _fact(schema: int, records: list[dict[str, object]]) -> dict[str, object]:
    return {"schema": schema, "cells": records}
