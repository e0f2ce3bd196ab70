"""Answer: the first lines of a board: does only_norm beat all, as far as the seeds show?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from bench.board.board import Board
from bench.board.inference import ALPHA, paired_p
from bench.board.statistics import Summary, signed
from bench.errors import counted

OURS, THEIRS = "only_norm", "all"


def differences(board: Board) -> dict[tuple[str, str], Summary]:
    """(row, column) → ours − theirs at each one's chosen ρ, paired over the seeds that both have."""
    return {
        (row, column): difference
        for column in board.columns
        for row in board.rows
        if (difference := board.difference(row, column, OURS, THEIRS))
    }


def answer(board: Board) -> list[str]:
    """The differences summed up in sentences; empty without any. Before the first result, what is still missing."""
    if board.empty:
        swept = [runs for cell in board.cells.values() for runs in cell.swept]
        expected, unmeasured = sum(runs.expected for runs in swept), sum(runs.unmeasured for runs in swept)
        if unmeasured:
            return [f"No trial has a {board.metric.name}: {unmeasured} of {expected} are done and lack it."]
        return [f"No trial is done yet: none of {expected} has a {board.metric.name}."]
    found = differences(board)
    if not found:
        return []
    signs = Counter(_sign(board.metric.gain(each.mean)) for each in found.values())
    lowest, highest = (signed(end(each.mean for each in found.values()), max(2, board.digits)) for end in (min, max))
    fewest, most = (end(each.n for each in found.values()) for end in (min, max))
    n = f"{fewest}–{most}" if fewest < most else f"{most}"
    equal = f", the same in {signs[0]}" if signs[0] else ""
    between = f"from {lowest} to {highest}" if lowest != highest else lowest
    told = (
        f"{OURS} − {THEIRS}, paired over the seeds that both have (n = {n}): "
        f"{between} {board.metric.difference_unit}; {OURS} is ahead in {signs[1]} and behind in {signs[-1]}"
        f"{equal} of {counted(len(found), 'comparison')}."
    )
    return [told, _certainty(board, found)]


def _certainty(board: Board, found: Mapping[tuple[str, str], Summary]) -> str:
    """For how many differences the seeds are enough to tell the sign."""
    tests = {place: paired_p(each) for place, each in found.items()}
    untested = sum(p is None for p in tests.values())
    why = "fewer than two shared seeds, or the same difference in each"
    if untested == len(tests):
        return f"None of these differences can be tested: {why}."
    sure = [found[place] for place, p in tests.items() if p is not None and p < ALPHA]
    counts = Counter(_sign(board.metric.gain(each.mean)) for each in sure)
    rest = len(tests) - len(sure) - untested
    parts = [f"the 95 % interval of the difference excludes zero in {counts[1]} for and {counts[-1]} against {OURS}"]
    parts += [f"inconclusive in {rest}"] if rest else []
    parts += [f"{untested} can't be tested ({why})"] if untested else []
    chance = ALPHA * (len(tests) - untested)
    parts += [f"by chance alone, {chance:.1f} would"] if sure and chance >= _TOLD else []
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


_TOLD = 0.5
"""Expected number of intervals that exclude zero by chance from which on it is mentioned."""


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)
