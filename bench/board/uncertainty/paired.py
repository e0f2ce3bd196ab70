"""Paired: two scopes of a method over their shared seeds, with interval, test and what would decide it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bench.board.answer import OURS, THEIRS, differences
from bench.board.board import Board
from bench.board.inference import ALPHA, confidence_interval, paired_p
from bench.board.page.table import EMPTY, Grid, Section, TableCell, TableRow, Title
from bench.board.statistics import Summary
from bench.board.uncertainty.power import MOST, POWER, seeds_needed
from bench.board.uncertainty.spread import interval_text

Verdict = Literal["better", "worse", "inconclusive", "not testable"]


@dataclass(frozen=True)
class Paired:
    """One comparison."""

    difference: Summary
    verdict: Verdict
    p: float | None
    low: float | None
    """Lower end of the 95 % confidence interval."""
    high: float | None
    seeds: int | None
    """That would decide it, where it is inconclusive."""

    @property
    def record(self) -> dict[str, Any]:
        """For programs."""
        each = self.difference
        told = {"mean": each.mean, "std": each.std, "n": each.n, "low": self.low, "high": self.high, "p": self.p}
        return told | {"verdict": self.verdict, "seeds_needed": self.seeds}


def pair(difference: Summary, gain: float) -> Paired:
    """The comparison behind a difference; `gain` is positive where that is for the better."""
    p, ends = paired_p(difference), confidence_interval(difference)
    if p is None or ends is None:
        return Paired(difference, "not testable", p, None, None, None)
    low, high = ends
    if p < ALPHA:
        return Paired(difference, "better" if gain > 0 else "worse", p, low, high, None)
    return Paired(difference, "inconclusive", p, low, high, seeds_needed(difference))


def paired(board: Board) -> dict[tuple[str, str], Paired]:
    """(row, column) → only_norm − all at each one's chosen ρ."""
    return {place: pair(each, board.metric.gain(each.mean)) for place, each in differences(board).items()}


NAME = f"{OURS} − {THEIRS}"
"""What the differences are of."""


def paired_grid(board: Board, found: Mapping[tuple[str, str], Paired]) -> Grid:
    """A line for each row that has a difference, in the blocks and columns of the board that have one."""
    columns = [column for column in board.columns if any(of == column for _, of in found)]
    parts = {column: board.layout.parts(column) for column in columns}
    titles = list(dict.fromkeys(title for _, title in parts.values()))
    blocks = tuple(
        Section(block, tuple(_lines(board, found, {parts[c][1]: c for c in columns if parts[c][0] == block}, titles)))
        for block in dict.fromkeys(block for block, _ in parts.values())
    )
    caption = f"{NAME} in {board.metric.difference_unit}, paired over seeds: mean [95 % interval]"
    return Grid(caption, board.layout.corner, (tuple(map(Title, titles)),), blocks)


def _lines(
    board: Board, found: Mapping[tuple[str, str], Paired], columns: Mapping[str, str], titles: Sequence[str]
) -> Iterator[TableRow]:
    """Of one block, whose columns go by their titles."""
    digits = max(2, board.digits)
    for row in board.rows:
        entries = [found.get((row, columns.get(title, ""))) for title in titles]
        if any(entries):
            yield TableRow(row, tuple(_entry(each, digits) for each in entries))


def _entry(each: Paired | None, digits: int) -> TableCell:
    if each is None:
        return TableCell(EMPTY)
    text = interval_text(each.difference.mean, each.low, each.high, digits)
    return TableCell(text, (_verdict(each),), bold=each.verdict in ("better", "worse"))


def _verdict(each: Paired) -> str:
    n = f"n = {each.difference.n}"
    if each.verdict != "inconclusive":
        return f"{each.verdict}, {n}"
    needed = f"more than {MOST}" if each.seeds is None else each.seeds
    return f"inconclusive, {n}; needs {needed} seeds"


def paired_notes(found: Mapping[tuple[str, str], Paired]) -> list[str]:
    """How to read the table of differences, as far as there is something in it to be read so."""
    if not any(each.verdict == "inconclusive" for each in found.values()):
        return []
    return [
        "Inconclusive: the 95 % interval includes zero. Seeds that it needs: the fewest with which a paired t-test at "
        f"5 % detects, in {100 * POWER:.0f} % of cases, a true difference and std of the size seen here, which a few "
        "seeds show only roughly."
    ]
