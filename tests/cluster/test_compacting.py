"""A run leaves a compacted store, and a store that can't be compacted ends no run."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from bench.store import Store, query
from bench.store.attempt import record
from bench.store.compacted import manifest
from bench.store.results import write_measures
from bench.trial import Trial
from cluster.compacting import compact_if_many
from cluster.driver import Drive
from cluster.job import Job
from tests.shared.store import ended, finish
from tests.store.contents import loose

Make = Callable[..., Trial]


def drive(store: Store, trials: list[Trial]) -> None:
    Drive(job=Job(store=store.root), trials=trials, console=Console(quiet=True)).run()


@pytest.mark.slow
def test_a_run_of_many_trials_leaves_a_compacted_store(
    store: Store, make_trial: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    trials = [make_trial(seed=seed, epochs=1) for seed in range(400)]
    with monkeypatch.context() as patched:
        # They need not survive a power cut.
        patched.setattr(os, "fsync", lambda _: None)
        store.add(trials)
        for trial in trials[1:]:
            folder = store.folder(trial.trial_id)
            write_measures(folder, {"test_accuracy": 90.0})
            record(folder, ended(folder, 1))
    drive(store, trials)
    assert sum(manifest.current(store.root).parts.values()) == 400
    # Outputs stay where they are, as weights do.
    assert {path.rpartition("/")[2] for path in loose(store)} <= {"outputs.parquet"}
    assert query(store, "SELECT count(*) AS n FROM results WHERE outcome = 'done'").to_pylist() == [{"n": 400}]


def test_few_trials_stay_loose_and_damage_ends_nothing(
    store: Store, make_trial: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    finish(store, make_trial(), test_accuracy=90.0)
    compact_if_many(store)
    assert loose(store)
    monkeypatch.setattr("cluster.compacting.MANY", 1)
    (store.root / "compact").write_text("in the way")
    compact_if_many(store)
    assert "not compacted" in caplog.text
