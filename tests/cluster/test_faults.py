"""Faults of whole processes, with real ones: SIGKILL, SIGINT, SIGTERM, two drivers at once."""

from __future__ import annotations

import os
import signal
from collections import Counter
from pathlib import Path

import pytest

from bench import plugins
from bench.store import Store, query
from bench.sweep import load
from tests.cluster.drivers import driver, holder_in_training
from tests.shared import assert_undisturbed
from tests.shared.pace import paced, unpaced
from tests.shared.timing import patience, wait_for

pytestmark = pytest.mark.slow

SWEEP = """
title: "Long enough to be killed in"
grid: {dataset: digits, model: resnet8, optimizer: sgd, lr: 0.05, weight_decay: 5e-4, batch_size: 256, epochs: 4,
       PACE}
methods: [{seed: 2}, {variant: sam, scope: only_norm, rho: 0.1, seed: [0]}]
resources: {checkpoint_seconds: 0, max_parallel: 1}
"""


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    file = tmp_path / "sweep.yaml"
    file.write_text(SWEEP.replace("PACE", paced(0.3, until=tmp_path / "go")), encoding="utf-8")
    return file


def go_on(sweep: Path) -> None:
    """No training waits any longer."""
    sweep.with_name("go").touch()


def assert_all_done_once_and_to_the_bit(sweep: Path, shared_folder: Path) -> Counter[str]:
    """Every trial has one done attempt; those of several, or else the first, weights as if nothing had happened.

    Returns counts of outcomes.
    """
    store = Store.open(sweep.parent / "store")
    with plugins.importing():
        trials = load(sweep).trials
    done = query(store, "SELECT trial_id FROM attempts WHERE outcome = 'done'").column("trial_id").to_pylist()
    assert sorted(done) == sorted(trial.trial_id for trial in trials)
    again = query(store, "SELECT trial_id FROM attempts WHERE attempt > 1")["trial_id"].to_pylist()
    for trial in [trial for trial in trials if trial.trial_id in again] or trials[:1]:
        assert_undisturbed(store.folder(trial.trial_id).weights, unpaced(trial), shared_folder)
    return Counter(query(store, "SELECT outcome FROM attempts").column("outcome").to_pylist())


@pytest.mark.share(1, of="killed in training")
@pytest.mark.parametrize("on", ["ray", "inline"])
def test_a_killed_driver_is_started_again_and_trains_only_what_is_missing(
    sweep: Path, shared_folder: Path, on: str
) -> None:
    store = sweep.parent / "store"
    with driver(sweep, on) as first:
        wait_for(lambda: list(store.glob("trials/*/weights.safetensors")))
        wait_for(lambda: holder_in_training(store))
        first.send_signal(signal.SIGKILL)
        first.wait()
    go_on(sweep)
    before = set(
        query(Store.open(store), "SELECT trial_id FROM attempts WHERE outcome = 'done'")["trial_id"].to_pylist()
    )
    with driver(sweep, on) as second:
        assert second.wait(patience()) == 0
    outcomes = assert_all_done_once_and_to_the_bit(sweep, shared_folder)
    assert before
    assert outcomes["done"] == 3
    assert outcomes["crashed"] >= 1
    again = query(Store.open(store), "SELECT trial_id FROM attempts WHERE attempt > 1")["trial_id"].to_pylist()
    assert not before & set(again)


@pytest.mark.share(1, of="killed in training")
def test_a_killed_worker_is_replaced_in_the_same_run(sweep: Path, shared_folder: Path) -> None:
    store = sweep.parent / "store"
    with driver(sweep, "ray") as process:
        victim = int(str(wait_for(lambda: holder_in_training(store))))
        os.kill(victim, signal.SIGKILL)
        go_on(sweep)
        assert process.wait(patience()) == 0
    assert assert_all_done_once_and_to_the_bit(sweep, shared_folder) == {"done": 3, "crashed": 1}
    crashed = query(Store.open(store), "SELECT pid, message FROM attempts WHERE outcome = 'crashed'").to_pylist()
    assert crashed[0]["pid"] == victim
    resumed = query(Store.open(store), "SELECT first_epoch FROM attempts WHERE attempt = 2").to_pylist()
    assert resumed[0]["first_epoch"] >= 1


@pytest.mark.share(1)
@pytest.mark.parametrize(("on", "ending"), [("ray", signal.SIGINT), ("ray", signal.SIGTERM), ("inline", signal.SIGINT)])
def test_an_interrupted_driver_says_how_to_go_on(
    sweep: Path, shared_folder: Path, on: str, ending: signal.Signals
) -> None:
    store = sweep.parent / "store"
    with driver(sweep, on) as process:
        wait_for(lambda: holder_in_training(store))
        process.send_signal(ending)
        _, said = process.communicate(timeout=patience())
    go_on(sweep)
    assert process.returncode == 130
    assert "of 3 trials are done, nothing is lost; resume with:" in said
    assert f"sambench run {sweep} --on {on}" in said
    assert "Traceback" not in said
    outcomes = query(Store.open(store), "SELECT outcome FROM attempts").column("outcome").to_pylist()
    assert "preempted" in outcomes
    assert set(outcomes) <= {"preempted", "done"}
    with driver(sweep, "inline") as again:
        assert again.wait(patience()) == 0
    assert_all_done_once_and_to_the_bit(sweep, shared_folder)


@pytest.mark.share(1, of="two at once")
def test_two_drivers_share_the_work(sweep: Path, shared_folder: Path) -> None:
    go_on(sweep)
    with driver(sweep, "inline") as one, driver(sweep, "ray") as other:
        for process in (one, other):
            _, said = process.communicate(timeout=patience())
            assert process.returncode == 0, said
    assert assert_all_done_once_and_to_the_bit(sweep, shared_folder) == {"done": 3}
    launchers = query(Store.open(sweep.parent / "store"), "SELECT DISTINCT launcher FROM attempts")
    assert set(launchers.column("launcher").to_pylist()) <= {"inline", "ray"}
