"""Whom a trial of a search is compared with: all that came as far, wherever their histories lie."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from bench.resources import EarlyStopping
from bench.store import Store, acquire, compact
from bench.store.results import write_history
from bench.trial import Trial
from cluster.job import Todo
from tests.shared.store import ended

pytestmark = pytest.mark.slow
RULE = EarlyStopping(grace_epochs=1)


def finish_at(store: Store, trial: Trial, accuracy: float) -> None:
    """Put a done trial of two epochs into the store."""
    store.add([trial])
    folder = store.folder(trial.trial_id)
    held = acquire(store, folder, "test")
    assert held is not None
    write_history(folder, [{"epoch": epoch, "val_accuracy": accuracy} for epoch in (1, 2)])
    held.end(ended(folder, held.number))


@pytest.mark.parametrize("compacted", [False, True])
def test_trials_of_earlier_runs_count_whether_compacted_or_not(
    store: Store, make_trial: Callable[..., Trial], compacted: bool
) -> None:
    from cluster.on_ray.prune import Pruning

    earlier, later = [make_trial(seed=seed) for seed in range(3)], make_trial(seed=3)
    for trial in earlier:
        finish_at(store, trial, 90.0)
    store.add([later])
    if compacted:
        assert compact(store).removed
    todo = Todo(trials={later.trial_id: 0}, over=tuple(trial.trial_id for trial in earlier))
    scheduler = Pruning(RULE, store, todo)
    tune: Any = None
    running: Any = SimpleNamespace(trial_id="running", config={"task": (later.trial_id, 0)})
    scheduler.on_trial_add(tune, running)
    scheduler.on_trial_result(tune, running, {"epoch": 1, "val_accuracy": 10.0})
    assert scheduler._pruned == {"running"}


def test_the_first_of_a_search_is_compared_with_nobody(store: Store, make_trial: Callable[..., Trial]) -> None:
    from cluster.on_ray.prune import Pruning

    trial = make_trial()
    store.add([trial])
    scheduler = Pruning(RULE, store, Todo(trials={trial.trial_id: 0}))
    tune: Any = None
    running: Any = SimpleNamespace(trial_id="running", config={"task": (trial.trial_id, 0)})
    scheduler.on_trial_add(tune, running)
    scheduler.on_trial_result(tune, running, {"epoch": 1, "val_accuracy": 10.0})
    assert scheduler._pruned == set()
