"""Boards of two scopes with made-up differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.board import Board
from bench.board.cells import Cell, Runs
from bench.board.choice import decide
from bench.board.layouts.base import Layout
from bench.board.metric import METRICS, metric_of

SURE, UNSURE = [1.0, 1.1, 0.9], [0.1, 0.9, -0.4]


def board_of(rows: Mapping[str, Sequence[float]], metric: str = "test_accuracy", **more: Any) -> Board:
    """A row for each name, in which only_norm is ahead of all by these differences."""
    cells = {}
    for row, values in rows.items():
        for scope, factor in (("all", 0), ("only_norm", 1)):
            runs = Runs(0.1, len(values), {seed: 50 + factor * value for seed, value in enumerate(values)}, **more)
            decided = metric_of("test_accuracy"), decide("test_accuracy", [runs.candidate])
            cells[row, "model", scope] = Cell(None, (runs,), runs, *decided)  # type: ignore[arg-type]
    shown = METRICS[metric]
    return Board("t", shown, Layout((), (), {}), tuple(rows), ("model",), ("all", "only_norm"), cells)
