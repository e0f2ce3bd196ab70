"""Stores that several test files use."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.store import Store
from bench.trial import Trial
from tests.shared.store import dead_claim, finish


@pytest.fixture
def other(tmp_path: Path) -> Store:
    """A second store."""
    return Store.create(tmp_path / "other")


@pytest.fixture(scope="session")
def first_mixed(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """What `mixed` is a copy of, filled once."""
    return Store.create(tmp_path_factory.mktemp("mixed") / "store")


@pytest.fixture
def mixed(first_mixed: Store, store: Store, make_trial: Callable[..., Trial]) -> Store:
    """Done, failed and retried, preempted, running by a dead worker, never tried; settings of several types."""
    if not list(first_mixed.trial_ids()):
        _mix(first_mixed, make_trial)
    shutil.copytree(first_mixed.root, store.root, dirs_exist_ok=True)
    return store


def _mix(store: Store, make_trial: Callable[..., Trial]) -> None:
    for seed in range(3):
        finish(store, make_trial(seed=seed), test_accuracy=90.0 + seed)
    finish(store, make_trial(seed=3), "error")
    finish(store, make_trial(seed=3), test_accuracy=92.0)
    finish(store, make_trial(seed=4), "error")
    finish(store, make_trial(seed=5), "preempted")
    store.add([make_trial(seed=6), make_trial(seed=7)])
    dead_claim(store.folder(make_trial(seed=7).trial_id))
    for sparsity in (0.5, "only_norm"):
        finish(
            store, make_trial(variant="sam", scope="random", rho=1.0, settings=(("sparsity", sparsity),)), lr_curve=1.0
        )
