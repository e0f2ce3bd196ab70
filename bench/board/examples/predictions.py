"""Predictions: the classes that the models of one cell predict for each test image, a row per seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.board.board import Board
from bench.board.cells import Key
from bench.board.statistics import Summary, summarize
from bench.errors import UserError
from bench.store import Readable, connect
from bench.store.outputs import read_outputs
from bench.store.read.query import as_list
from bench.trial import Trial

Numbers = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Predictions:
    """Of one method at its chosen ρ."""

    seeds: tuple[int, ...]
    labels: Numbers
    classes: Numbers
    """Seed × image: the likeliest class."""

    @cached_property
    def correct(self) -> Numbers:
        """Seed × image."""
        return self.classes == self.labels

    @property
    def accuracies(self) -> Numbers:
        """Of each seed, in %."""
        return 100 * self.correct.mean(axis=1)

    @property
    def summary(self) -> Summary:
        """Of the accuracies, in %."""
        found = summarize([float(value) for value in self.accuracies])
        assert found is not None, "there is a seed"
        return found

    @property
    def own_agreement(self) -> float | None:
        """Mean share of images, in %, that two seeds take for the same class; None of one seed."""
        pairs = list(combinations(self.classes, 2))
        return 100 * fmean(float((one == other).mean()) for one, other in pairs) if pairs else None

    @property
    def test_set_std(self) -> float | None:
        """The std over seeds, in points, that the choice of test images alone would give; None of one seed.

        Seeds and images are crossed: what is left of a correct answer beside the mean of its seed and that of its image
        is noise, whose mean square over the number of images is its part of the variance of an accuracy.
        """
        seeds, images = self.correct.shape
        if seeds < 2:
            return None
        right = self.correct.astype(float)
        rest = right - right.mean(axis=1, keepdims=True) - right.mean(axis=0) + right.mean()
        square = float((rest**2).sum()) / ((seeds - 1) * (images - 1))
        return 100 * (square / images) ** 0.5

    @property
    def test_set_share(self) -> float | None:
        """Its share of the variance over seeds, at most 1; None where seeds don't differ."""
        spread, noise = self.summary.std, self.test_set_std
        return None if not spread or noise is None else min(1.0, (noise / spread) ** 2)


def read_predictions(stores: Readable, board: Board, trials: Sequence[Trial]) -> dict[Key, Predictions]:
    """The predictions of every cell at its chosen ρ, for the seeds whose outputs are kept; without any, no entry."""
    found: dict[Key, dict[int, tuple[Numbers, Numbers]]] = {}
    homes = _homes(stores, [trial.trial_id for trial in trials])
    for trial in trials:
        key = board.layout.key(trial)
        chosen = board.cells[key].chosen
        if trial.rho != chosen.rho or trial.trial_id not in homes:
            continue
        outputs = read_outputs(as_list(stores)[homes[trial.trial_id]].folder(trial.trial_id).outputs)
        if outputs is not None:
            found.setdefault(key, {})[trial.seed] = outputs.labels, outputs.predicted
    return {key: _together(key, by_seed) for key, by_seed in found.items()}


def _together(key: Key, by_seed: Mapping[int, tuple[Numbers, Numbers]]) -> Predictions:
    seeds = tuple(sorted(by_seed))
    labels = by_seed[seeds[0]][0]
    if any(not np.array_equal(labels, by_seed[seed][0]) for seed in seeds):
        raise UserError(f"the seeds of {' / '.join(part for part in key if part)} were tested on different images")
    return Predictions(seeds, labels, np.stack([by_seed[seed][1] for seed in seeds]))


def _homes(stores: Readable, ids: Sequence[str]) -> dict[str, int]:
    """Done trial → place of the store that it is read from."""
    read = as_list(stores)
    roots = {str(store.root): place for place, store in enumerate(read)}
    home = "store" if len(read) > 1 else "NULL"
    with connect(stores, ["results"], only=ids) as connection:
        rows = connection.execute(f"SELECT trial_id, {home} FROM results WHERE outcome = 'done'").fetchall()
    return {trial_id: roots.get(root, 0) for trial_id, root in rows}
