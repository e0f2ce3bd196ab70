"""The page of a board image by image: the test set's part of each spread, and where two methods agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from bench.board.board import Board
from bench.board.cells import Key
from bench.board.examples.agreement import DRAWS, Agreement, agreements
from bench.board.examples.predictions import Predictions, read_predictions
from bench.board.notes import circumstances
from bench.board.page.board_table import grid_of_cells
from bench.board.page.page import Page
from bench.board.page.table import EMPTY, Grid, Section, TableCell, TableRow, Title
from bench.board.uncertainty.spread import interval_text
from bench.errors import UserError
from bench.store import Readable
from bench.sweep import Sweep


def examples_page(stores: Readable, sweep: Sweep, board: Board) -> Page:
    """The page that `sambench board --examples` prints; UserError if no trial's outputs are kept."""
    found = read_predictions(stores, board, sweep.trials)
    if not found:
        raise UserError(
            f"--examples: no trial of {sweep.name} has its outputs kept; `sambench measure {sweep.file} nll` makes "
            "them from the weights of done trials"
        )
    pairs = agreements(board, found)
    grids = [_spreads(board, found), *([_pairs(board, pairs)] if pairs else [])]
    return Page(
        f"{board.title}, by test images",
        lead=tuple(conclusions(found, pairs)),
        grids=tuple(grids),
        notes=(*_reading(board, found), *circumstances(board)),
        records=tuple(_record(board, key, each) for key, each in found.items()),
        facts={"title": board.title, "metric": "test_accuracy", "pairs": [_pair(each) for each in pairs]},
        pairs=tuple(_line(_pair(each)) for each in pairs),
    )


def conclusions(found: Mapping[Key, Predictions], pairs: Sequence[Agreement]) -> list[str]:
    """How much of the spreads is noise, and how many pairs differ."""
    shares = [share for each in found.values() if (share := each.test_set_share) is not None]
    lines = []
    if shares:
        lines.append(
            f"Of the variance over seeds, test-set noise alone explains {100 * min(shares):.0f} to "
            f"{100 * max(shares):.0f} %, {100 * fmean(shares):.0f} % on average over {len(shares)} methods."
        )
    if pairs:
        apart = sum(each.low > 0 or each.high < 0 for each in pairs)
        sure = sum(each.sure for each in pairs)
        lines.append(
            f"Over test images, the 95 % interval of the difference excludes zero in {apart} of {len(pairs)} pairs; "
            f"McNemar's test tells a difference in {sure} of {sum(len(each.p) for each in pairs)} pairs of models."
        )
    return lines


def _spreads(board: Board, found: Mapping[Key, Predictions]) -> Grid:
    titles = ("accuracy: mean ± std (n)", "std by test set alone", "share of variance", "seeds agree")
    lines = [(key, tuple(map(TableCell, _texts(each)))) for key, each in found.items()]
    return grid_of_cells(board, f"{board.title}: seeds and test images", titles, lines)


def _texts(each: Predictions) -> tuple[str, ...]:
    noise, share, agree = each.test_set_std, each.test_set_share, each.own_agreement
    return (
        each.summary.text(2),
        EMPTY if noise is None else f"{noise:.2f}",
        EMPTY if share is None else f"{100 * share:.0f} %",
        EMPTY if agree is None else f"{agree:.1f} %",
    )


def _pairs(board: Board, pairs: Sequence[Agreement]) -> Grid:
    titles = ("agree", "only first right", "only second right", "difference", "McNemar")
    blocks: dict[str, list[TableRow]] = {}
    for each in pairs:
        ours, theirs = (board.layout.line(row, scope) for row, _, scope in (each.ours, each.theirs))
        apart = each.low > 0 or each.high < 0
        entries = (
            TableCell(f"{each.agreement:.1f} %"),
            TableCell(f"{each.only_ours:.1f}"),
            TableCell(f"{each.only_theirs:.1f}"),
            TableCell(interval_text(each.difference, each.low, each.high, 2), bold=apart),
            TableCell(f"{each.sure} of {len(each.p)} seeds"),
        )
        blocks.setdefault(each.ours[1], []).append(TableRow(f"{ours} − {theirs}", entries))
    made = tuple(Section(column, tuple(lines)) for column, lines in blocks.items())
    caption = "Two methods, image by image"
    return Grid(caption, board.layout.corner, (tuple(map(Title, titles)),), made, alike=False)


def _reading(board: Board, found: Mapping[Key, Predictions]) -> list[str]:
    images = " or ".join(f"{count:,}" for count in sorted({len(each.labels) for each in found.values()}))
    return [
        f"Test accuracy in %, on {images} test images. std by test set alone: what the std over seeds would be if all "
        "seeds were equally good and erred on different images; its share of the variance is what another test set "
        "could not confirm. Seeds agree: images that two seeds take for one class.",
        "Images that only one gets right: mean over seeds. Difference in points, first − second, with its 95 % "
        f"interval over {DRAWS:,} draws of test images, these models kept; bold where it excludes zero.",
        "McNemar: seeds of which the exact test tells the two models apart at 5 %, by Holm's method.",
        *_lacking(board, found),
    ]


def _lacking(board: Board, found: Mapping[Key, Predictions]) -> list[str]:
    lacking = sum(
        len(cell.chosen.values) - (len(found[key].seeds) if key in found else 0) for key, cell in board.cells.items()
    )
    return [f"{lacking} done trials have no outputs kept and are in none of this."] if lacking else []


def _record(board: Board, key: Key, each: Predictions) -> dict[str, Any]:
    row, column, scope = key
    return {
        "row": row,
        "column": column,
        "scope": scope,
        **board.cells[key].record,
        "rho": board.cells[key].chosen.rho,
        "metric": "test_accuracy",
        **each.summary.record,
        "images": len(each.labels),
        "test_set_std": each.test_set_std,
        "test_set_share": each.test_set_share,
        "own_agreement": each.own_agreement,
    }


def _line(pair: Mapping[str, Any]) -> dict[str, Any]:
    """A pair as a line of CSV, which has no lists: what is known of each seed, one after another."""
    of_seeds = {name: " ".join(map(str, pair[name])) for name in ("seeds", "mcnemar_p")}
    return {**pair, **of_seeds, "metric": "test_accuracy", "n": len(pair["seeds"])}


def _pair(each: Agreement) -> dict[str, Any]:
    return {
        "column": each.ours[1],
        "row": each.ours[0],
        "scope": each.ours[2],
        "other_row": each.theirs[0],
        "other_scope": each.theirs[2],
        "seeds": each.seeds,
        "agreement": each.agreement,
        "only_first": each.only_ours,
        "only_second": each.only_theirs,
        "difference": each.difference,
        "low": each.low,
        "high": each.high,
        "mcnemar_p": each.p,
    }
