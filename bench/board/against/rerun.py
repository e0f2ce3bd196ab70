"""Rerun: each cell of a board beside the same cell of other results, trial by trial where both have the trials.

The same trial has the same seed on both sides, so differences are paired over seeds; of an exported board only means
are known, and Welch's test compares them. ρ is the one that this board shows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from bench.board.against.other import Other
from bench.board.board import Board
from bench.board.cells import Cell, Key
from bench.board.inference import ALPHA, confidence_interval, paired_p, welch
from bench.board.statistics import Summary, summarize
from bench.trial import Trial

Verdict = Literal["identical", "no difference shown", "higher", "lower", "can't be judged", "not comparable"]


@dataclass(frozen=True)
class Beside:
    """One cell of the board, and the same on the other side."""

    key: Key
    cell: Cell
    theirs: Summary | None
    verdict: Verdict
    reason: str = ""
    difference: Summary | None = None
    """Here − there, over the seeds that both have; of means alone, their difference without a std."""
    low: float | None = None
    """Lower end of its 95 % confidence interval."""
    high: float | None = None
    p: float | None = None
    equal: int = 0
    """Number of shared trials that are equal to the last bit."""


def put_beside(board: Board, trials: Sequence[Trial], other: Other) -> list[Beside]:
    """Every cell of the board."""
    ids = {(board.layout.key(trial), trial.rho, trial.seed): trial.trial_id for trial in trials}
    return [_beside(key, cell, other, ids) for key, cell in board.cells.items()]


def verdict_counts(compared: Sequence[Beside]) -> str:
    """`3 identical, 1 higher`, in the order of the verdicts."""
    counts: Counter[str] = Counter(each.verdict for each in compared)
    return ", ".join(f"{counts[word]} {word}" for word in get_args(Verdict) if counts[word])


def _beside(key: Key, cell: Cell, other: Other, ids: Mapping[tuple[Key, float | None, int], str]) -> Beside:
    """`ids` has the trial of each cell, ρ and seed."""
    runs = cell.chosen
    if other.cells:
        return _by_means(key, cell, other.cells.get((*key, runs.rho)))
    seeds = {seed: ids[key, runs.rho, seed] for of, rho, seed in ids if (of, rho) == (key, runs.rho)}
    theirs = {seed: other.values[trial_id] for seed, trial_id in seeds.items() if trial_id in other.values}
    there = summarize(list(theirs.values()))
    shared = sorted(runs.values.keys() & theirs.keys())
    if not shared:
        return Beside(key, cell, there, "not comparable", _lacking(runs.summary, there))
    differences = [runs.values[seed] - theirs[seed] for seed in shared]
    return _judged(key, cell, there, differences)


def _judged(key: Key, cell: Cell, theirs: Summary | None, differences: Sequence[float]) -> Beside:
    found = summarize(differences)
    assert found is not None, "there is a shared seed"
    equal = sum(not each for each in differences)
    p = paired_p(found)
    low, high = confidence_interval(found) or (None, None)
    verdict, reason = _verdict(found, equal, p)
    return Beside(key, cell, theirs, verdict, reason, found, low, high, p, equal)


def _verdict(found: Summary, equal: int, p: float | None) -> tuple[Verdict, str]:
    if equal == found.n:
        return "identical", ""
    if p is None:
        return "can't be judged", "one shared seed" if found.n == 1 else "the same difference in every seed"
    return _word(found.mean, p), ""


def _by_means(key: Key, cell: Cell, theirs: Summary | None) -> Beside:
    ours = cell.chosen.summary
    if ours is None or theirs is None:
        return Beside(key, cell, theirs, "not comparable", _lacking(ours, theirs))
    difference = Summary(ours.mean - theirs.mean, None, min(ours.n, theirs.n))
    found = welch(ours, theirs)
    if found is None:
        same = ours.mean == theirs.mean and ours.n == theirs.n
        word: Verdict = "identical" if same else "can't be judged"
        return Beside(key, cell, theirs, word, "" if same else "no std on both sides", difference)
    if (ours.mean, ours.std, ours.n) == (theirs.mean, theirs.std, theirs.n):
        return Beside(key, cell, theirs, "identical", "", difference, found.low, found.high, found.p)
    return Beside(key, cell, theirs, _word(difference.mean, found.p), "", difference, found.low, found.high, found.p)


def _word(difference: float, p: float) -> Verdict:
    if p >= ALPHA:
        return "no difference shown"
    return "higher" if difference > 0 else "lower"


def _lacking(ours: Summary | None, theirs: Summary | None) -> str:
    if ours is None:
        return "no result here" if theirs else "no result on either side"
    return "no shared seed" if theirs else "no result there at this ρ"
