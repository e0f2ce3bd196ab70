"""Draw one plot into files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl

from bench.board import Board
from bench.plots import PLOTS
from bench.plots.drawing import Drawing
from bench.store import Readable
from bench.sweep import Sweep

mpl.use("Agg")


def draw(stores: Readable, sweep: Sweep, board: Board, kind: str, outputs: Sequence[Path]) -> None:
    """Write the plot `kind` of a sweep to every path; the format follows its suffix."""
    drawing = Drawing(stores, sweep, board)
    PLOTS[kind].load()(drawing)
    drawing.finish(outputs, what=_SHOWN.get(kind, board.spread.short))


_SHOWN = {"differences": "mean, 95 % interval", "weights": "mean"}
"""What a plot shows of several runs, where it isn't the board's spread."""
