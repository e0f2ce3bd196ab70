"""The page of a board beside other results of its trials: what differs, by how much, and what made them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from bench.board.against.other import Other
from bench.board.against.rerun import Beside, put_beside, verdict_counts
from bench.board.board import Board
from bench.board.footnotes import FIELDS, Footnotes, Origin
from bench.board.inference import ALPHA
from bench.board.notes import circumstances
from bench.board.page.board_table import cell_details, grid_of_cells
from bench.board.page.page import Page
from bench.board.page.table import EMPTY, Grid, TableCell
from bench.board.statistics import NO_RESULT, Summary
from bench.board.uncertainty.spread import interval_text
from bench.errors import counted
from bench.trial import Trial

_DIGITS = 2
"""Decimals of differences, at least."""


def rerun_page(board: Board, trials: Sequence[Trial], other: Other) -> Page:
    """Here and there for each cell."""
    compared = put_beside(board, trials, other)
    told = [*_reading(board, other), *_made_with(board, other), *circumstances(board)]
    return Page(
        f"{board.title}, against {other.name}",
        lead=tuple(conclusions(compared, other)),
        grids=(_grid(board, compared, other),),
        notes=tuple(told),
        records=tuple(_record(board, each, other) for each in compared),
        facts={"title": board.title, "metric": board.metric.name, "against": other.name, "spread": board.spread.name},
    )


def conclusions(compared: Sequence[Beside], other: Other) -> list[str]:
    """The count of each verdict, and of trials that came out the same."""
    lines = [f"Against {other.name}, {counted(len(compared), 'cell')}: {verdict_counts(compared)}."]
    shared = sum(each.difference.n for each in compared if each.difference)
    if shared and not other.cells:
        equal = sum(each.equal for each in compared)
        lines.append(f"Of {shared} trials with a result on both sides, {equal} are equal to the last bit.")
    tested = sum(each.p is not None for each in compared)
    sure = sum(each.verdict in ("higher", "lower") for each in compared)
    if sure:
        lines.append(f"By chance alone, {ALPHA * tested:.1f} of {tested} tests would find a difference.")
    if other.own:
        own = counted(len(other.own), "result")
        lines.append(f"{own} compared with themselves: that commit made them, and they weren't trained again since.")
    return lines


def _reading(board: Board, other: Other) -> list[str]:
    how = (
        "by Welch's test of the means, since an exported board has no trials"
        if other.cells
        else "paired over the seeds that both have"
    )
    return [
        f"{board.metric.name} in {board.metric.unit}: {board.spread.about} (n seeds), here and there at the ρ that is "
        f"best here. Difference: here − there in {board.metric.difference_unit} [95 % interval], {how}.",
        "identical: equal in every shared seed. higher, lower: the interval excludes zero. no difference shown: it "
        "includes zero, and says how large a difference may be hidden.",
    ]


def _made_with(board: Board, other: Other) -> list[str]:
    """What the two sides were made with, where that isn't the same."""
    here = [origin for cell in board.cells.values() for origin in cell.chosen.origins]
    if not other.origins or not here:
        return []
    parts = Footnotes.of([*here, *other.origins]).parts
    lines = []
    for field, called in FIELDS.items():
        one, two = (_counted(side, field, parts) for side in (here, other.origins))
        if one.keys() != two.keys():
            lines.append(f"{called}: here {_listed(one)}; there {_listed(two)}.")
    return lines


def _counted(side: Sequence[Origin], field: str, parts: Any) -> Counter[str]:
    return Counter(origin.told(parts)[field] for origin in side)


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{value} in {count}" for value, count in counts.most_common(3))


def _grid(board: Board, compared: Sequence[Beside], other: Other) -> Grid:
    lines = [(each.key, _entries(board, each)) for each in compared]
    titles = ("here", "there", "difference", "verdict")
    return grid_of_cells(board, f"{board.title}, against {other.name}", titles, lines)


def _entries(board: Board, each: Beside) -> tuple[TableCell, ...]:
    here = _mean(board, each.cell.chosen.summary)
    digits = max(_DIGITS, board.digits)
    difference = interval_text(each.difference.mean, each.low, each.high, digits) if each.difference else EMPTY
    shared = (f"n = {each.difference.n}",) if each.difference else ()
    return (
        TableCell(here, tuple(cell_details(each.cell)), marks=board.footnotes.marks(each.cell.chosen.origins)),
        TableCell(_mean(board, each.theirs)),
        TableCell(difference, shared),
        TableCell(each.verdict, (each.reason,) if each.reason else (), bold=each.verdict in ("higher", "lower")),
    )


def _mean(board: Board, summary: Summary | None) -> str:
    if summary is None:
        return EMPTY
    # Of an exported board, the values behind a mean aren't known.
    whole = summary.values or summary.n == 1 or board.spread.half
    return board.spread.text(summary, board.digits) if whole else summary.text(board.digits)


def _record(board: Board, each: Beside, other: Other) -> dict[str, Any]:
    row, column, scope = each.key
    ours, theirs = each.cell.chosen.summary, each.theirs
    return {
        "row": row,
        "column": column,
        "scope": scope,
        **each.cell.record,
        "rho": each.cell.chosen.rho,
        "metric": board.metric.name,
        **(ours.record if ours else NO_RESULT),
        "against": other.name,
        **{f"other_{name}": value for name, value in (theirs.record if theirs else NO_RESULT).items()},
        "shared": each.difference.n if each.difference else 0,
        "equal": each.equal,
        "difference": each.difference.mean if each.difference else None,
        "low": each.low,
        "high": each.high,
        "p": each.p,
        "verdict": each.verdict,
        "reason": each.reason,
    }
