"""Status, watch, logs and cancel, from another process than the one that trains."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench import plugins
from bench.store import Store, query
from bench.store.progress import read_progress
from bench.sweep import load
from bench.trial import Trial
from tests.conftest import command_environment
from tests.shared.pace import paced
from tests.shared.timing import patience, wait_for

Command = Callable[..., subprocess.CompletedProcess[str]]
pytestmark = pytest.mark.slow
SWEEP = """
title: "Two trials, a long one and then a short one"
grid: {dataset: digits, model: resnet8, optimizer: sgd, lr: 0.05, weight_decay: 5e-4, batch_size: 128, epochs: 30}
methods: [{seed: [0]}, {variant: sam, scope: only_norm, rho: 0.1, seed: [0], epochs: 2}]
"""


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    file = tmp_path / "two.yaml"
    file.write_text(SWEEP, encoding="utf-8")
    return file


def read(sweep: Path) -> tuple[Trial, ...]:
    """Its trials."""
    with plugins.importing():
        return load(sweep).trials


@contextmanager
def running(sweep: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`sambench run`, after the first epochs of its first trial."""
    command = [sys.executable, "-m", "bench", "run", str(sweep), "--on", "inline"]
    environment = command_environment(sweep.parent)
    with subprocess.Popen(command, cwd=sweep.parent, env=environment, stderr=subprocess.PIPE) as process:
        try:
            folder = Store.create(sweep.parent / "store").folder(read(sweep)[0].trial_id)
            wait_for(lambda: process.poll() is not None or ((at := read_progress(folder)) and at.epoch >= 2))
            yield process
        finally:
            process.kill()


@pytest.mark.share(1, of="a sweep and somebody who looks on")
def test_a_cancelled_sweep_stops_after_a_step_and_goes_on_later(tmp_path: Path, sweep: Path, sambench: Command) -> None:
    sweep.write_text(SWEEP.replace("epochs: 30", f"epochs: 20, {paced(0.2, until=tmp_path / 'go')}"), encoding="utf-8")
    first, second = read(sweep)
    with running(sweep) as process:
        shown = sambench("status", sweep).stdout
        assert "1 running" in shown
        assert "/20" in shown
        assert "%" in shown
        cancelled = sambench("cancel", sweep)
        assert "1 running trial stops after the next step, 1 waiting won't start" in cancelled.stderr
        assert process.wait(timeout=patience()) == 0
    store = Store.open(tmp_path / "store")
    assert query(store, "SELECT outcome, message FROM attempts").to_pylist() == [
        {"outcome": "preempted", "message": "cancelled"}
    ]
    assert store.folder(first.trial_id).checkpoint.exists()
    assert "2 cancelled" in sambench("status", sweep).stdout
    (tmp_path / "go").touch()
    again = sambench("run", sweep, "--on", "inline")
    assert again.returncode == 0, again.stderr
    assert "2 done" in sambench("status", sweep).stdout
    assert "resuming after epoch" in sambench("logs", first.trial_id[:8]).stdout
    assert second.trial_id


def test_cancel_of_some_trials(sweep: Path, sambench: Command) -> None:
    first, second = load(sweep).trials
    Store.create(sweep.parent / "store").add([first, second])
    assert (
        "0 running trials stop after the next step, 1 waiting"
        in sambench("cancel", sweep, "--where", "variant=sam").stderr
    )
    assert "0 running trials stop after the next step, 1 waiting" in sambench("cancel", first.trial_id[:6]).stderr
    refused = sambench("cancel", sweep, "--where", "varant=sam")
    assert refused.returncode == 2
    assert "did you mean variant" in refused.stderr
    assert sambench("cancel", "zzz").returncode == 2


@pytest.mark.share(1, of="a sweep and somebody who looks on")
def test_logs_are_followed_to_the_end(sweep: Path, sambench: Command) -> None:
    sweep.write_text(SWEEP.replace("epochs: 30", "epochs: 8"), encoding="utf-8")
    trial = load(sweep).trials[0]
    with running(sweep):
        followed = sambench("logs", trial.trial_id, "--follow")
    assert "epoch 8/8" in followed.stdout
    assert followed.returncode == 0


@pytest.mark.share(1, of="a sweep and somebody who looks on")
def test_watch_ends_with_the_sweep(sweep: Path, sambench: Command) -> None:
    sweep.write_text(SWEEP.replace("epochs: 30", "epochs: 5"), encoding="utf-8")
    with running(sweep):
        watched = sambench("watch", sweep, "--every", "0.5")
    assert watched.returncode == 0
    assert "2 trials: 2 done" in watched.stdout


def test_plan_estimates_by_earlier_trials_or_a_probe(sweep: Path, sambench: Command) -> None:
    assert "2 trials are of a kind not timed yet: --probe" in sambench("plan", sweep).stdout
    probed = sambench("plan", sweep, "--probe").stdout
    assert "of work left" in probed
    assert "not timed" not in probed
    assert sambench("run", sweep, "--on", "inline", "--set", "epochs=1").returncode == 0
    assert "of work left" in sambench("plan", sweep).stdout
