"""Trials that several processes train together, by real torchrun and gloo."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors.torch
from torch import Tensor

from bench.store import Store, query
from bench.trial import Trial
from cluster.job import Job
from cluster.work.stopping import Stopping
from cluster.work.torchrun import ALONE, Ranks
from cluster.work.worker import run_trial
from tests.shared.pace import unpaced
from tests.shared.training import TRANSLATION, deviation, trained

Make = Callable[..., Trial]
DATA = {"dataset": "fake:1100x1x8x10", "augment": "basic"}
"""Digits have so many equal pixels that rounding decides which side of a kink a unit is on; random images don't."""
TWO_STEPS = {**DATA, "dataset": "fake:600x1x8x10", "epochs": 1}
TWO = Ranks(per_node=2)


def in_processes(
    store: Store, trial: Trial, ranks: Ranks = TWO, stopping: Stopping | None = None, *, tensorboard: bool = False
) -> str:
    store.add([trial])
    job = Job(store=store.root, launcher="test", tensorboard=tensorboard)
    return run_trial(job, trial.trial_id, ranks=ranks, stopping=stopping).outcome


def weights(store: Store, trial: Trial) -> dict[str, Tensor]:
    return safetensors.torch.load_file(store.folder(trial.trial_id).weights)


@pytest.mark.slow
@pytest.mark.share(1, of="processes that train together")
@pytest.mark.parametrize(("processes", "model", "most"), [(2, "vit_mini", 1e-3), (4, "resnet8", 0.05)])
def test_processes_with_m_each_are_one_process_with_micro_batches(
    store: Store, make_trial: Make, processes: int, model: str, most: float
) -> None:
    """Where there are no kinks, rounding stays small; with them another m, the nearest fault, differs by 0.3."""
    trial = make_trial(**TWO_STEPS, model=model, variant="sam", scope="only_norm", rho=0.1, m=64)
    assert in_processes(store, trial, Ranks(per_node=processes)) == "done"
    whole = trained(trial)
    assert deviation(weights(store, trial), trial, whole) < most
    (row,) = query(store, "SELECT * FROM history").to_pylist()
    for name in ("train_loss", "perturbed_loss", "test_loss", "gradient_norm", "perturbation_norm"):
        assert row[name] == pytest.approx(whole.history[0][name], rel=most / 10), name
    (attempt,) = query(store, "SELECT world_size, epochs, outcome FROM attempts").to_pylist()
    assert attempt == {"world_size": processes, "epochs": 1, "outcome": "done"}


@pytest.mark.slow
@pytest.mark.share(1, of="processes that train together")
def test_processes_that_translate_are_one_process(store: Store, make_trial: Make) -> None:
    """Without dropout, of which each process has its own."""
    fields = TRANSLATION | {
        "epochs": 1,
        "m": 8,
        "settings": (*TRANSLATION["settings"][:2], ("dropout", 0.0), ("eps", 1e-8)),
    }
    trial = make_trial(**fields, variant="sam", scope="only_norm", rho=0.1)
    assert in_processes(store, trial) == "done"
    whole = trained(trial)
    assert deviation(weights(store, trial), trial, whole) < 1e-3
    (row,) = query(store, "SELECT * FROM history").to_pylist()
    for name in ("train_loss", "perturbed_loss", "val_loss", "test_loss", "gradient_norm"):
        assert row[name] == pytest.approx(whole.history[0][name], rel=1e-4), name
    assert row["val_bleu"] == pytest.approx(whole.history[0]["val_bleu"], abs=0.5)


@pytest.mark.slow
@pytest.mark.share(1, of="processes that train together")
def test_a_process_that_raises_ends_the_trial_with_its_own_traceback(store: Store, make_trial: Make) -> None:
    # One batch of 256 can't be shared by 2 processes unless m cuts it.
    trial = make_trial()
    assert in_processes(store, trial) == "error"
    log = store.folder(trial.trial_id).log.read_text(encoding="utf-8")
    assert "Traceback" in log
    assert "2 processes can't share 1 micro-batches evenly: batch_size = 256, m = 256; choose m" in log
    (attempt,) = query(store, "SELECT outcome, message FROM attempts").to_pylist()
    assert "process" in attempt["message"]
    assert "2 processes can't share 1 micro-batches" in attempt["message"]


DIES = """
import os

if os.environ.get("RANK") == "1":
    from torch import distributed

    distributed.destroy_process_group = os.abort
"""


@pytest.mark.slow
@pytest.mark.share(1, of="processes that train together")
def test_a_process_that_aborts_while_it_ends_costs_no_result(
    store: Store, make_trial: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As torch does now and then; torchrun then ends the others, which may still be writing."""
    (tmp_path / "sitecustomize.py").write_text(DIES)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    trial = make_trial(**DATA, m=64, epochs=1)
    assert in_processes(store, trial, tensorboard=True) == "done"
    assert any(store.folder(trial.trial_id).tensorboard.iterdir())
    assert "SIGABRT" in store.folder(trial.trial_id).log.read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.share(1, of="processes that train together")
def test_stopped_within_an_epoch_and_gone_on_with_another_number_of_processes(
    store: Store, make_trial: Make, tmp_path: Path
) -> None:
    slowly = {"augment": "tests.shared.pace:slowly", "epochs": 6}
    settings = (("momentum", 0.9), ("pause", 0.2), ("until", str(tmp_path / "go")))
    fields = {**DATA, **slowly, "model": "vit_mini", "variant": "sam", "scope": "only_norm", "rho": 0.1, "m": 64}
    trial = make_trial(**fields, lr=0.01, settings=settings)
    stopping, log = Stopping(), store.folder(trial.trial_id).log

    def stop() -> None:
        while not (log.exists() and "epoch 1/6" in log.read_text(encoding="utf-8")):
            time.sleep(0.02)
        stopping.request("preempted", "a test")

    threading.Thread(target=stop, daemon=True).start()
    assert in_processes(store, trial, stopping=stopping) == "preempted"
    assert store.folder(trial.trial_id).checkpoint.exists()
    (tmp_path / "go").touch()
    assert in_processes(store, trial, ALONE) == "done"
    assert deviation(weights(store, trial), unpaced(trial), trained(unpaced(trial))) < 1e-3
