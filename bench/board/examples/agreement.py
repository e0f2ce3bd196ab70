"""Agreement of two methods, image by image, over the seeds that both have.

McNemar's test (1947, exact) asks for one seed whether the images that only one of two models gets right are split as a
coin would; Holm's method corrects for the number of seeds. The bootstrap draws test images anew and keeps the seeds:
its interval is for these models on other images of the kind, where the paired t-test is for other seeds on these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from bench.board.board import Board
from bench.board.cells import Key
from bench.board.examples.predictions import Numbers, Predictions
from bench.board.inference import ALPHA, holm
from bench.errors import UserError

DRAWS = 10_000
"""Of the bootstrap over test images."""


@dataclass(frozen=True)
class Agreement:
    """Two cells of one column."""

    ours: Key
    theirs: Key
    seeds: tuple[int, ...]
    agreement: float
    """Mean share of images that both take for the same class, in %."""
    only_ours: float
    """Images that only ours gets right, mean over seeds."""
    only_theirs: float
    difference: float
    """Of accuracies, in points, mean over seeds."""
    low: float
    """Lower end of its 95 % interval over test images."""
    high: float
    p: tuple[float, ...]
    """McNemar's, of each seed."""

    @property
    def sure(self) -> int:
        """Number of seeds for which McNemar's test shows a difference at 5 %, corrected by Holm's method."""
        return sum(p is not None and p < ALPHA for p in holm(self.p))


def agreements(board: Board, found: Mapping[Key, Predictions]) -> list[Agreement]:
    """Compares the scopes of each method with each other, and each method with the base optimizer of its column."""
    pairs: dict[tuple[Key, Key], None] = {}
    for row, column, scope in found:
        for other in found:
            if other[:2] == (row, column) and _place(board, other[2]) < _place(board, scope):
                pairs[(row, column, scope), other] = None
        base = _base(board, found, column)
        if base is not None and base != (row, column, scope):
            pairs[(row, column, scope), base] = None
    compared = (_compare(ours, theirs, found[ours], found[theirs]) for ours, theirs in pairs)
    return [each for each in compared if each is not None]


def _place(board: Board, scope: str) -> int:
    """Order of the scopes: later ones are compared with earlier ones."""
    return board.scopes.index(scope) if scope in board.scopes else -1


def _base(board: Board, found: Mapping[Key, Predictions], column: str) -> Key | None:
    return next((key for key in found if key[1] == column and not board.cells[key].trial.perturbs), None)


def _compare(ours: Key, theirs: Key, one: Predictions, two: Predictions) -> Agreement | None:
    shared = tuple(sorted({*one.seeds} & {*two.seeds}))
    if not shared:
        return None
    if not np.array_equal(one.labels, two.labels):
        raise UserError(f"column {ours[1]}: {ours[0]} and {theirs[0]} were tested on different images")
    a, b = ([each.seeds.index(seed) for seed in shared] for each in (one, two))
    right, other = one.correct[a], two.correct[b]
    only = (right & ~other).sum(axis=1), (~right & other).sum(axis=1)
    low, high = _bootstrap(right.sum(axis=0) - other.sum(axis=0).astype(int), len(shared))
    return Agreement(
        ours,
        theirs,
        shared,
        agreement=100 * float((one.classes[a] == two.classes[b]).mean()),
        only_ours=fmean(map(int, only[0])),
        only_theirs=fmean(map(int, only[1])),
        difference=100 * float(right.mean() - other.mean()),
        low=low,
        high=high,
        p=tuple(mcnemar(int(x), int(y)) for x, y in zip(*only, strict=True)),
    )


def mcnemar(only_ours: int, only_theirs: int) -> float:
    """Two-sided exact p of McNemar's test."""
    from scipy.special import bdtr

    total = only_ours + only_theirs
    return min(1.0, 2 * float(bdtr(min(only_ours, only_theirs), total, 0.5))) if total else 1.0


def _bootstrap(gains: Numbers, seeds: int) -> tuple[float, float]:
    """Percentiles of the mean gain of an image, in points, over draws of images; the same in every run."""
    # An image's gain is a whole number between ±seeds: how often each is drawn is all that matters.
    values, counts = np.unique(gains, return_counts=True)
    drawn = np.random.default_rng(0).multinomial(len(gains), counts / len(gains), size=DRAWS)
    low, high = np.quantile(100 * drawn @ values / (len(gains) * seeds), [ALPHA / 2, 1 - ALPHA / 2])
    return float(low), float(high)
