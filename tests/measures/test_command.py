"""The command measure on trained models: what is missing is taken once, whoever is killed and whoever else is at it."""

from __future__ import annotations

import contextlib
import re
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bench.cli import app
from bench.measures.names import parse
from bench.measures.outputs import calibration_error
from bench.store import Store, TrialFolder, compact, query
from bench.store.claims.lease import lease
from bench.store.measured import Quantity, add_measure
from bench.store.outputs import read_outputs
from bench.store.upkeep import compact as folding
from bench.sweep import Sweep, load
from cluster.job import Job
from cluster.work.worker import run_trial
from tests.measures.later import accuracies, start, take, times_measured, values
from tests.shared.timing import patience, wait_for

Command = Callable[..., Result]
SHARP, RANK = "sharpness[m=64,samples=64,steps=2]", "feature_rank[samples=64]"
AT_THE_END = (
    "test_accuracy", "val_accuracy", "best_test_accuracy", "best_val_accuracy", "nll", "brier", "ece", "top5_accuracy",
)  # fmt: skip
"""Measures that a training takes."""
SWEEP = f"""
title: "Two"
grid: {{dataset: digits, model: resnet8, optimizer: sgd, lr: 0.1, weight_decay: 0, batch_size: 256, epochs: 1, seed: 2}}
measures: [test_accuracy, "{SHARP}", "{RANK}"]
resources: {{max_parallel: 1}}
"""


@pytest.fixture(scope="session")
def trained_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a sweep of two trials that has run, to be copied."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "two.yaml").write_text(SWEEP, encoding="utf-8")
    store, sweep = Store.create(folder / "store"), load(folder / "two.yaml")
    store.add(sweep.trials)
    job = Job(store=store.root, launcher="test")
    for trial in sweep.trials:
        assert run_trial(job, trial.trial_id).outcome == "done"
    return folder


@pytest.fixture
def file(trained_once: Path, tmp_path: Path) -> Path:
    """The sweep, beside its store."""
    shutil.copytree(trained_once, tmp_path, dirs_exist_ok=True)
    return tmp_path / "two.yaml"


@pytest.fixture
def store(file: Path) -> Store:
    return Store.open(file.parent / "store")


@pytest.fixture
def sweep(file: Path) -> Sweep:
    return load(file)


@pytest.fixture
def folder(store: Store, sweep: Sweep) -> TrialFolder:
    """Of the first trial."""
    return store.folder(sweep.trials[0].trial_id)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the command does to its process, torch's memory and the answers to signals, stays away from the tests."""
    monkeypatch.setattr("cluster.inline.apply_here", lambda threads: None)
    monkeypatch.setattr("bench.cli.interrupts.signal.signal", lambda number, answer: None)


@pytest.fixture
def sambench(file: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command in this process, which has torch already."""
    monkeypatch.chdir(file.parent)
    monkeypatch.setenv("COLUMNS", "160")
    return lambda *arguments: CliRunner().invoke(app, [*map(str, arguments)])


def test_from_training_to_the_board(
    file: Path, store: Store, sweep: Sweep, folder: TrialFolder, sambench: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through a compaction: what is there stays, what is asked for newly comes beside it."""
    weights = folder.weights.read_bytes()
    done = sambench("measure", file, "--on", "inline")
    assert done.exit_code == 0, done.stderr
    assert done.stderr.splitlines()[-1] == "two: 4 taken"
    assert re.search(rf"1/4 {sweep.trials[0].trial_id} resnet8 sgd seed 0: {re.escape(SHARP)} 0\.\d+", done.stderr)
    assert folder.weights.read_bytes() == weights
    monkeypatch.setattr(folding, "SETTLED", 0.0)
    before = values(store)
    assert compact(store).trials == 2
    assert values(store) == before
    again = sambench("measure", file)
    assert (again.exit_code, again.stderr) == (0, "two: nothing left to measure for 2 done trials\n")
    # The history that accuracies are taken from is compacted too.
    assert {taken.outcome for taken in take(store, sweep, "feature_rank[samples=32]")} == {"taken"}
    assert len(values(store)) == len(before) + 2
    board = sambench("board", file, "--metric", SHARP, "--format", "csv")
    assert board.exit_code == 0, board.stderr
    assert query(store, f'SELECT "{SHARP}" AS x FROM results ORDER BY 1')["x"].to_pylist() == sorted(
        value for key, value in before.items() if " sharpness " in key
    )
    shown = sambench("query", f'SELECT "{SHARP}" FROM results')
    assert SHARP in shown.stdout
    untaken = sambench("board", file, "--metric", "sharpness[rho=0.7]")
    assert untaken.exit_code == 0, untaken.stderr
    assert "2 not measured" in untaken.stdout


def test_a_failure_is_told_and_stops_no_other(file: Path, store: Store, folder: TrialFolder, sambench: Command) -> None:
    lost, damaged = store.folders()
    lost.weights.unlink()
    damaged.weights.write_bytes(damaged.weights.read_bytes()[:-9])
    told = sambench("measure", file, "--on", "inline")
    assert told.exit_code == 1
    assert "1 trial without weights" in told.stderr
    assert f"  {lost.trial_id} resnet8 sgd seed " in told.stderr
    assert f"failed: {damaged.trial_id} resnet8 sgd seed " in told.stderr
    assert "weights.safetensors: damaged, or the weights of another model" in told.stderr
    assert told.stderr.splitlines()[-3] == "two: 2 failed"
    assert "the trained model can't be measured" in damaged.log.read_text(encoding="utf-8")


def test_one_measure_fails_and_another_has_no_meaning(store: Store, sweep: Sweep) -> None:
    got = take(store, sweep, "sharpness[m=2000]", "objectnet_accuracy", RANK, "test_accuracy")
    assert [taken.outcome for taken in got] == ["failed", "inapplicable", "taken"] * 2
    assert got[0].message == "ValueError: 1079 training images fill no batch of m = 2000; choose a smaller m"
    assert got[1].message == "objectnet_accuracy is of models of imagenet, and this one is of digits"


def test_accuracies_can_be_taken_later_too(store: Store, sweep: Sweep) -> None:
    before = values(store)
    for folder in store.folders():
        folder.measures.unlink()
    assert not values(store)
    take(store, sweep, *AT_THE_END)
    assert values(store) == before


@pytest.mark.share(1, of="two at once")
@pytest.mark.slow
def test_two_at_once_share_the_work(file: Path, store: Store) -> None:
    """One with Ray, one without: what both lack is taken by one of them."""
    names = [f"average_sharpness[draws={draws},m=64,samples=64]" for draws in range(1, 7)]
    both = [start(file, *names, "--on", on) for on in ("ray", "inline")]
    told = [process.communicate(timeout=patience())[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    assert (
        sum(": average_sharpness" in line and "another process" not in line for line in "".join(told).splitlines())
        == 12
    )
    assert len(values(store)) == 2 * len(AT_THE_END) + 12
    assert [times_measured(store, name) for name in names] == [2] * 6


def test_what_another_is_at_is_waited_for(
    store: Store, sweep: Sweep, folder: TrialFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one takes one of two, and is gone."""
    other = contextlib.ExitStack()
    assert other.enter_context(lease(store, folder, "test"))

    def waited(seconds: float) -> None:
        add_measure(folder, Quantity("feature_rank", parse(RANK).stored), 7.0)
        other.close()

    monkeypatch.setattr("cluster.measuring.time.sleep", waited)
    got = take(store, sweep, SHARP, RANK)
    assert [taken.trial_id == folder.trial_id for taken in got] == [False, False, True, True]
    assert [(taken.outcome, taken.measure.measure) for taken in got[2:]] == [
        ("there", "feature_rank"),
        ("taken", "sharpness"),
    ]
    assert times_measured(store, RANK) == 1


def test_killed_it_keeps_what_it_took_and_goes_on(file: Path, store: Store, sweep: Sweep) -> None:
    quick, endless = RANK, "average_sharpness[draws=1000000]"
    with start(file, quick, endless, "--on", "inline") as process:
        wait_for(lambda: times_measured(store, quick) or process.poll() is not None)
        assert process.poll() is None
        process.send_signal(signal.SIGKILL)
    kept = values(store)
    assert len(kept) == 2 * len(AT_THE_END) + 1
    assert [taken.outcome for taken in take(store, sweep, quick, SHARP)] == ["taken"] * 3
    assert kept.items() < values(store).items()
    assert times_measured(store, quick) == 2


def test_a_training_keeps_what_its_model_says(store: Store, sweep: Sweep) -> None:
    """To the image: the accuracy that was taken while it trained, and measures that need no model any more."""
    for trial_id, accuracy in accuracies(store).items():
        folder = store.folder(trial_id)
        outputs = read_outputs(folder.outputs)
        assert outputs is not None
        assert 100 * outputs.correct.mean() == pytest.approx(accuracy, abs=1e-9)
        folder.weights.unlink()
    assert {key.split()[1] for key in values(store)} >= {"nll", "brier", "ece", "top5_accuracy"}
    for each in take(store, sweep, "ece[bins=7]"):
        outputs = read_outputs(store.folder(each.trial_id).outputs)
        assert outputs is not None
        assert each.value == calibration_error(outputs, bins=7)


def test_outputs_that_are_gone_come_from_the_weights(store: Store, sweep: Sweep, folder: TrialFolder) -> None:
    before = read_outputs(folder.outputs)
    folder.outputs.unlink()
    assert [each.outcome for each in take(store, sweep, "ece[bins=10]")] == ["taken", "taken"]
    after = read_outputs(folder.outputs)
    assert before is not None
    assert after is not None
    assert (before.predicted == after.predicted).mean() > 0.99


@pytest.mark.slow
def test_a_run_that_keeps_no_outputs(sweep: Sweep, tmp_path: Path) -> None:
    bare = Store.create(tmp_path / "bare")
    trial = sweep.trials[0]
    bare.add([trial])
    assert run_trial(Job(store=bare.root, launcher="test", outputs=False), trial.trial_id).outcome == "done"
    assert not bare.folder(trial.trial_id).outputs.exists()
    assert bare.folder(trial.trial_id).weights.exists()
    assert not {key.split()[1] for key in values(bare)} & {"nll", "brier", "ece", "top5_accuracy"}
