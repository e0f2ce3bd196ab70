"""Notebook: results, boards and figures of stores, for analysis in Python. It is `bench.open`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import plugins
from bench.board import judged_alike, make_board, show_board
from bench.board.chooser import StoreChooser
from bench.board.formats.html import TABLE_STYLE, fragment
from bench.board.formats.markdown import markdown
from bench.board.page.page import Page
from bench.plots import PLOTS
from bench.plots.drawing import Drawing
from bench.store import Stores, declarations, query
from bench.store import open as open_stores
from bench.store.read.query import newest_dataset
from bench.sweep import Sweep, load
from bench.sweep.file.lookup import sweep_file

if TYPE_CHECKING:
    import pyarrow as pa
    from matplotlib.figure import Figure


class ShownBoard:
    """A board that a notebook shows as tables; as text it is Markdown."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def _repr_html_(self) -> str:
        return f"<style>{TABLE_STYLE}</style>{fragment(self.page)}"

    def __str__(self) -> str:
        return markdown(self.page)

    @property
    def records(self) -> list[Mapping[str, Any]]:
        """One per cell, with mean, spread, number of seeds and ρ."""
        return list(self.page.records)


class Analysis(Stores):
    """Results, boards and figures of one store, or of several read as one."""

    def query(self, select: str) -> pa.Table:
        """The rows of one SELECT in DuckDB's dialect over trials, attempts, history, measures and results.

        QueryError if it is invalid or isn't a SELECT.
        """
        return query(self.stores, select)

    def board(self, sweep: Path | str | Sweep, **options: Any) -> ShownBoard:
        """The board of a sweep; `options` are those of `sambench board`: metric, rows, columns, against, spread, cost.

        SpecError if the file has errors, UserError if the options don't suit it.
        """
        return ShownBoard(show_board(self.stores, self._loaded(sweep), **options))

    def figure(self, sweep: Path | str | Sweep, kind: str = "rho", metric: str | None = None) -> Figure:
        """A plot of a sweep, of a kind that `sambench plot --kind` knows; UserError if there is nothing to draw."""
        loaded = judged_alike(self._loaded(sweep), metric)
        drawing = Drawing(self.stores, loaded, make_board(self.stores, loaded, metric))
        PLOTS[kind].load()(drawing)
        drawing.finish([])
        assert drawing.figure is not None
        return drawing.figure

    def _loaded(self, sweep: Path | str | Sweep) -> Sweep:
        """A sweep as the commands that read have it: plug-ins, chosen ρ and data sets by what the stores know."""
        if isinstance(sweep, Sweep):
            return sweep
        plugins.take_recorded(lambda: declarations.read(self.stores))
        return load(
            sweep_file(Path(sweep)),
            chooser=StoreChooser(self.stores),
            recorded=lambda name: newest_dataset(self.stores, name),
        )


def open_analysis(*paths: Path | str) -> Analysis:
    """Open the stores at these paths and read them as one; StoreError if one doesn't exist."""
    return Analysis(open_stores(*paths).stores)
