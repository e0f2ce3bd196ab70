"""Show: from a sweep and what is asked about it to a page."""

from __future__ import annotations

from bench.board.board import make_board
from bench.board.layouts.base import Layout
from bench.board.layouts.free import FreeLayout
from bench.board.layouts.paper import PaperLayout
from bench.board.page.earlier import with_earlier
from bench.board.page.page import Page, board_page
from bench.errors import UserError
from bench.measures import MEASURES
from bench.papers.sam_on.forms import form_of
from bench.store import Readable
from bench.sweep import Sweep


def show_board(
    stores: Readable,
    sweep: Sweep,
    *,
    metric: str | None = None,
    rows: str | None = None,
    columns: str | None = None,
    against: str | None = None,
    cost: bool = False,
) -> Page:
    """The page that `sambench board` prints; UserError if the options don't fit the sweep or each other."""
    layout = _layout(sweep, rows, columns, own=against is None)
    if against is None:
        board = make_board(stores, sweep, metric, layout, cost=cost)
        return with_earlier(board_page(board), stores, sweep, metric, layout)
    if cost:
        raise UserError("--against paper: the paper doesn't tell what trainings cost; leave out --cost")
    if isinstance(layout, FreeLayout):
        raise UserError("--against paper: has a layout of its own; leave out --rows and --cols, or choose by --where")
    if metric is not None and metric not in MEASURES:
        raise UserError(f"--against paper: the paper doesn't tell {metric}; leave out --metric, or name a measure")
    # Here, because no other page needs to read the paper's numbers.
    from bench.board.against.page import against_page

    page = against_page(make_board(stores, sweep, metric, layout), sweep.paper)
    return with_earlier(page, stores, sweep, metric, layout)


def _layout(sweep: Sweep, rows: str | None, columns: str | None, *, own: bool) -> Layout:
    """The layout that is asked for, else the sweep's own, where it may have one, else the paper's or the usual one."""
    if (rows is None) != (columns is None):
        given, other = ("--rows", "--cols") if columns is None else ("--cols", "--rows")
        raise UserError(f"{given}: goes with {other}, such as --rows variant,scope --cols model")
    if rows is not None and columns is not None:
        return FreeLayout.of_fields(sweep.trials, rows, columns)
    if own and sweep.rows:
        return FreeLayout.of_names(sweep.trials, sweep.rows, sweep.columns)
    table = form_of(sweep.paper)
    return PaperLayout.of_table(table, sweep.trials) if table else Layout.of(sweep.trials)
