"""The worker: whatever happens to a trial is recorded, with its class and its log."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors.torch
import torch

from bench.models import build
from bench.resources import Resources
from bench.store import Store, query, states
from bench.train import checkpoint
from bench.train.training import Training
from bench.trial import Trial
from cluster.job import Job
from cluster.work.worker import run_trial
from tests.shared.training import SMALL
from tests.train.methods import CPU, METHODS

Make = Callable[..., Trial]


EVERY_EPOCH = Resources(checkpoint_seconds=0)


def run(store: Store, trial: Trial, seen: int = 0) -> str:
    store.add([trial])
    job = Job(store=store.root, launcher="test", resources=EVERY_EPOCH)
    return run_trial(job, trial.trial_id, seen=seen).outcome


def attempts(store: Store) -> list[dict[str, object]]:
    return query(store, "SELECT * FROM attempts ORDER BY attempt").to_pylist()


def test_a_done_trial_leaves_its_results_and_no_checkpoint(store: Store, make_trial: Make) -> None:
    trial = make_trial(**SMALL, **METHODS["sam"])
    assert run(store, trial) == "done"
    folder = store.folder(trial.trial_id)
    assert sorted(path.name for path in folder.path.iterdir()) == [
        "attempts",
        "history.parquet",
        "log.txt",
        "measures.parquet",
        "outputs.parquet",
        "trial.json",
        "weights.safetensors",
    ]
    uninterrupted = Training(trial, CPU)
    rows = [uninterrupted.run_epoch() for _ in range(2)]
    stored = safetensors.torch.load_file(folder.weights)
    assert all(torch.equal(stored[name], value) for name, value in uninterrupted.model.state_dict().items())
    history = query(store, "SELECT epoch, test_accuracy FROM history ORDER BY epoch").to_pylist()
    assert history == [{name: row[name] for name in ("epoch", "test_accuracy")} for row in rows]
    (result,) = query(store, "SELECT test_accuracy, val_accuracy, best_test_accuracy FROM results").to_pylist()
    assert result["test_accuracy"] == rows[-1]["test_accuracy"]
    assert result["best_test_accuracy"] == max(row["test_accuracy"] for row in rows)


def test_an_attempt_has_its_provenance(store: Store, make_trial: Make) -> None:
    run(store, make_trial())
    (attempt,) = attempts(store)
    assert attempt["outcome"] == "done"
    assert (attempt["epochs"], attempt["first_epoch"], attempt["threads"]) == (2, 0, 1)
    assert attempt["torch"] == torch.__version__.partition("+")[0] or attempt["torch"] == torch.__version__
    assert attempt["peak_memory_bytes"] > 50e6
    assert 0 < attempt["train_s"] <= attempt["wall_s"]
    for name in ("host", "pid", "device", "device_type", "python", "platform", "launcher", "sambench"):
        assert attempt[name], name


def test_a_done_trial_is_not_run_again(store: Store, make_trial: Make) -> None:
    assert run(store, make_trial()) == "done"
    assert run(store, make_trial()) == "held"
    assert len(attempts(store)) == 1


def test_the_log_says_that_a_pretrained_classifier_starts_fresh(store: Store, make_trial: Make, tmp_path: Path) -> None:
    file = tmp_path / "seven.safetensors"
    safetensors.torch.save_file(build("resnet8", num_classes=7, in_channels=1, image_size=8).state_dict(), file)
    trial = make_trial(init_from=f"{file}@sha256:0", epochs=1)
    assert run(store, trial) == "done"
    log = store.folder(trial.trial_id).log.read_text(encoding="utf-8")
    assert f"weights {file}: head.2 is for 7 classes, and 10 are needed: it starts fresh" in log


def test_divergence(store: Store, make_trial: Make) -> None:
    trial = make_trial(lr=1e8)
    assert run(store, trial) == "diverged"
    assert states(store, [trial.trial_id])[trial.trial_id].status == "failed"
    assert "the loss is" in str(attempts(store)[0]["message"])
    assert query(store, "SELECT * FROM measures").num_rows == 0


FAILURES = {
    "oom": [
        MemoryError("no memory"),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory: you tried"),
    ],
    "error": [ValueError("a fault of ours"), RuntimeError("a fault of torch")],
}


@pytest.mark.parametrize(("outcome", "error"), [(name, error) for name, errors in FAILURES.items() for error in errors])
def test_a_failure_is_recorded_with_its_class_and_traceback(
    store: Store, make_trial: Make, monkeypatch: pytest.MonkeyPatch, outcome: str, error: Exception
) -> None:
    def fail(self: Training) -> None:
        raise error

    monkeypatch.setattr(Training, "run_epoch", fail)
    trial = make_trial()
    assert run(store, trial) == outcome
    (attempt,) = attempts(store)
    assert attempt["outcome"] == outcome
    assert str(error).splitlines()[0] in str(attempt["message"])
    log = store.folder(trial.trial_id).log.read_text(encoding="utf-8")
    assert "Traceback" in log
    assert type(error).__name__ in log
    monkeypatch.undo()
    assert run(store, trial, seen=1) == "done"


def test_a_real_allocation_that_fails_is_oom(store: Store, make_trial: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def allocate(self: Training) -> None:
        torch.empty(1 << 52)

    monkeypatch.setattr(Training, "run_epoch", allocate)
    assert run(store, make_trial()) == "oom"


def interrupt_after(epochs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    original = Training.run_epoch

    def interrupted(self: Training) -> dict[str, object]:
        if self.epochs_done == epochs:
            raise KeyboardInterrupt
        return original(self)

    monkeypatch.setattr(Training, "run_epoch", interrupted)


@pytest.mark.parametrize("damaged", [False, True])
def test_an_interrupted_trial_goes_on_where_it_was(
    store: Store, make_trial: Make, monkeypatch: pytest.MonkeyPatch, damaged: bool
) -> None:
    trial = make_trial(**SMALL, epochs=3, **METHODS["sam"])
    interrupt_after(2, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        run(store, trial)
    monkeypatch.undo()
    folder = store.folder(trial.trial_id)
    assert states(store, [trial.trial_id])[trial.trial_id].status == "missing"
    if damaged:
        folder.checkpoint.write_bytes(folder.checkpoint.read_bytes()[:-100])
        with pytest.raises(checkpoint.DamagedCheckpoint):
            checkpoint.load(folder.checkpoint)
    assert run(store, trial, seen=1) == "done"

    first, second = attempts(store)
    assert (first["outcome"], first["epochs"]) == ("preempted", 2)
    assert (second["outcome"], second["first_epoch"], second["epochs"]) == ("done", 0 if damaged else 2, 3)
    assert folder.path.joinpath("checkpoint.pt.damaged").exists() == damaged
    assert ("set aside" in folder.log.read_text(encoding="utf-8")) == damaged

    whole = Training(trial, CPU)
    for _ in range(3):
        whole.run_epoch()
    stored = safetensors.torch.load_file(folder.weights)
    assert all(torch.equal(stored[name], value) for name, value in whole.model.state_dict().items())
    assert query(store, "SELECT * FROM history").num_rows == 3


def test_a_trial_that_is_taken_over_stops_and_writes_nothing(
    store: Store, make_trial: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = make_trial()
    original = Training.run_epoch

    def taken_over(self: Training) -> dict[str, object]:
        store.folder(trial.trial_id).claim(2).touch()
        return original(self)

    monkeypatch.setattr(Training, "run_epoch", taken_over)
    assert run(store, trial) == "held"
    assert attempts(store) == []
    assert not store.folder(trial.trial_id).checkpoint.exists()
