"""Show: the page for a sweep and the options of `sambench board`."""

from __future__ import annotations

from bench.board.against import PAPER
from bench.board.alike import judged_alike
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

EXAMPLES = "test_accuracy"
"""What is looked at image by image."""


def show_board(
    stores: Readable,
    sweep: Sweep,
    *,
    metric: str | None = None,
    rows: str | None = None,
    columns: str | None = None,
    against: str | None = None,
    spread: str = "std",
    examples: bool = False,
    cost: bool = False,
) -> Page:
    """The page that `sambench board` prints; UserError if the options don't fit the sweep or each other."""
    sweep = judged_alike(sweep, EXAMPLES if examples else metric)
    layout = _layout(sweep, rows, columns, own=against != PAPER)
    if examples:
        return _by_examples(stores, sweep, metric, layout, against)
    if against is None:
        made = make_board(stores, sweep, metric, layout, spread=spread, cost=cost)
        return with_earlier(board_page(made), stores, sweep, made)
    if cost:
        raise UserError("--against: shows a single metric; leave out --cost")
    if against != PAPER:
        from bench.board.against.other import read_other
        from bench.board.against.rerun_page import rerun_page

        made = make_board(stores, sweep, metric, layout, spread=spread)
        return rerun_page(made, sweep.trials, read_other(against, stores, sweep.trials, made.metric))
    if isinstance(layout, FreeLayout):
        raise UserError("--against paper: has a layout of its own; leave out --rows and --cols, or choose by --where")
    if spread != "std":
        raise UserError(f"--against paper: the paper prints standard deviations; leave out --spread {spread}")
    if metric is not None and metric not in MEASURES:
        raise UserError(f"--against paper: the paper doesn't report {metric}; leave out --metric, or name a measure")
    # Here, because no other page needs to read the paper's numbers.
    from bench.board.against.page import against_page

    made = make_board(stores, sweep, metric, layout)
    return with_earlier(against_page(made, sweep.paper), stores, sweep, made)


def _by_examples(stores: Readable, sweep: Sweep, metric: str | None, layout: Layout, against: str | None) -> Page:
    if against is not None or metric is not None:
        given = "--against" if against is not None else "--metric"
        raise UserError(f"--examples: is about the test accuracy of this store; leave out {given}")
    from bench.board.examples.examples_page import examples_page

    return examples_page(stores, sweep, make_board(stores, sweep, EXAMPLES, layout))


def _layout(sweep: Sweep, rows: str | None, columns: str | None, *, own: bool) -> Layout:
    """The layout that the options ask for, else the sweep's own (if `own`), else the paper's, else the default."""
    if (rows is None) != (columns is None):
        given, other = ("--rows", "--cols") if columns is None else ("--cols", "--rows")
        raise UserError(f"{given}: goes with {other}, such as --rows variant,scope --cols model")
    if rows is not None and columns is not None:
        return FreeLayout.of_fields(sweep.trials, rows, columns)
    if own and sweep.rows:
        return FreeLayout.of_names(sweep.trials, sweep.rows, sweep.columns)
    table = form_of(sweep.paper)
    return PaperLayout.of_table(table, sweep.trials) if table else Layout.of(sweep.trials)
