"""Ranking: average ranks and win rates over tasks, with the tests of Demšar (2006, section 3.2).

In each task the best method has rank 1, equals share the average of their ranks. Friedman's test asks whether average
ranks differ by more than chance, Nemenyi's which pairs do: those whose average ranks lie apart by the critical
difference q √(k (k + 1) / 6N) or more, of k methods and N tasks. Both rest on an approximation for many tasks.

The intervals are percentiles of a bootstrap that draws tasks anew, and within each its seeds; methods that share their
seeds keep them paired. ρ stays as it was chosen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.board.inference import ALPHA
from bench.board.rank.scores import Scores

DRAWS = 4_000
"""Of the bootstrap."""


@dataclass(frozen=True)
class Placed:
    """One method among the others."""

    method: str
    rank: float
    """Average over the tasks that have all methods; nan if none has."""
    rank_interval: tuple[float, float]
    wins: float
    """Mean over tasks of the share of other methods that it beats; a tie is half a win."""
    wins_interval: tuple[float, float]
    tasks: int
    """In which it has results."""


@dataclass(frozen=True)
class Ranking:
    """All methods from the best on, and what tests say."""

    placed: tuple[Placed, ...]
    ranks: dict[tuple[str, str], float]
    """(method, task) → rank among those that have results there."""
    statistic: float | None
    """Friedman's χ²; None for fewer than three methods or two tasks with all of them, or if all are equal."""
    p: float | None
    critical: float | None
    """Critical difference of two average ranks; None where Friedman's test has nothing to say."""
    pairs: dict[tuple[str, str], float]
    """Two methods → p of Nemenyi's test."""


def rank_methods(scores: Scores) -> Ranking:
    """The ranking of all methods of some scores."""
    methods, tasks = scores.methods, scores.tasks
    means = _matrix(scores, tasks)
    ranks = _ranks(means)
    whole = [tasks.index(task) for task in scores.complete]
    average = ranks[whole].mean(axis=0) if whole else np.full(len(methods), np.nan)
    drawn_ranks = _drawn(scores, scores.complete).mean(axis=1) if whole else np.full((1, len(methods)), np.nan)
    drawn_wins = _known_mean(_wins(_drawn(scores, tasks)), 1)
    wins = _known_mean(_wins(ranks), 0)
    placed = [
        Placed(
            method,
            float(average[place]),
            _interval(drawn_ranks[:, place]),
            float(wins[place]),
            _interval(drawn_wins[:, place]),
            int(np.isfinite(means[:, place]).sum()),
        )
        for place, method in enumerate(methods)
    ]
    placed.sort(key=lambda each: (each.rank if whole else 0.0, -each.wins, methods.index(each.method)))
    statistic, p = _friedman(means[whole])
    told = {(m, t): float(ranks[i, j]) for i, t in enumerate(tasks) for j, m in enumerate(methods)}
    critical = None if p is None else critical_difference(len(methods), len(whole))
    pairs = {} if p is None else _nemenyi(methods, means[whole])
    return Ranking(
        tuple(placed), {key: rank for key, rank in told.items() if np.isfinite(rank)}, statistic, p, critical, pairs
    )


def critical_difference(methods: int, tasks: int) -> float:
    """Average ranks that lie apart by this are told apart at 5 % by Nemenyi's test."""
    from scipy.stats import studentized_range

    quantile = studentized_range.ppf(1 - ALPHA, methods, np.inf) / 2**0.5
    return float(quantile * (methods * (methods + 1) / (6 * tasks)) ** 0.5)


Numbers = NDArray[np.float64]


def _matrix(scores: Scores, tasks: Sequence[str]) -> Numbers:
    """Means by task and method, nan where nothing is; more is better."""
    rows = [[[*scores.values(method, task).values()] for method in scores.methods] for task in tasks]
    return np.array([[np.mean(values) if values else np.nan for values in row] for row in rows], dtype=float)


def _ranks(means: Numbers) -> Numbers:
    """Ranks along the last axis, 1 for the largest; equals share the average of their ranks; nan stays nan."""
    # Means of the same values in another order may differ in the last bit; they are equal.
    rounded = np.round(means, 9)
    mine, others = rounded[..., :, None], rounded[..., None, :]
    ranks = 0.5 + (others > mine).sum(axis=-1) + 0.5 * (others == mine).sum(axis=-1)
    return np.where(np.isnan(means), np.nan, ranks)


def _wins(ranks: Numbers) -> Numbers:
    """Share of the other methods of a task that each beats, a tie as half."""
    there = np.isfinite(ranks).sum(axis=-1, keepdims=True)
    return (there - ranks) / (there - 1)


def _known_mean(values: Numbers, axis: int) -> Numbers:
    """Mean without nan; nan for a method that is in none of the drawn tasks."""
    known = np.isfinite(values).sum(axis=axis)
    return np.where(known > 0, np.nansum(values, axis=axis) / np.maximum(known, 1), np.nan)


def _drawn(scores: Scores, tasks: Sequence[str]) -> Numbers:
    """Ranks by draw, place of a task, and method."""
    random = np.random.default_rng(0)
    chosen = random.integers(len(tasks), size=(DRAWS, len(tasks)))
    means = np.full((DRAWS, len(tasks), len(scores.methods)), np.nan)
    for number, task in enumerate(tasks):
        values = [scores.values(method, task) for method in scores.methods]
        shared = sorted(set.intersection(*(set(each) for each in values if each)))
        paired = all(len(each) == len(shared) for each in values if each)
        draws, places = np.nonzero(chosen == number)
        seeds = random.integers(len(shared), size=(len(draws), len(shared))) if paired else None
        for place, each in enumerate(values):
            if each:
                known = np.array([each[seed] for seed in sorted(each)])
                picked = random.integers(len(known), size=(len(draws), len(known))) if seeds is None else seeds
                means[draws, places, place] = known[picked].mean(axis=1)
    return _ranks(means)


def _interval(values: Numbers) -> tuple[float, float]:
    low, high = np.nanquantile(values, [ALPHA / 2, 1 - ALPHA / 2]) if np.isfinite(values).any() else (np.nan, np.nan)
    return float(low), float(high)


def _friedman(means: Numbers) -> tuple[float | None, float | None]:
    from scipy.stats import friedmanchisquare

    rounded = np.round(means, 9)
    if rounded.shape[0] < 2 or rounded.shape[1] < 3 or (rounded == rounded[:, :1]).all():
        return None, None
    found = friedmanchisquare(*rounded.T)
    return float(found.statistic), float(found.pvalue)


def _nemenyi(methods: Sequence[str], means: Numbers) -> dict[tuple[str, str], float]:
    from scikit_posthocs import posthoc_nemenyi_friedman

    table: Any = posthoc_nemenyi_friedman(np.round(means, 9))
    return {
        (one, other): float(table.iloc[i, j])
        for i, one in enumerate(methods)
        for j, other in enumerate(methods)
        if i != j
    }
