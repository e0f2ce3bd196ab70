"""What the processes of one test session share, so that none of them does it again."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor

from bench import fingerprint
from bench.fingerprint import syntax
from bench.train import checkpoint
from bench.train.training import Training
from bench.trial import Trial


@contextmanager
def locked(file: Path, kind: int) -> Iterator[None]:
    """Hold a lock of the system, which a process that dies gives back."""
    with file.open("a", encoding="ascii") as handle:
        fcntl.flock(handle, kind)
        yield


def undisturbed_weights(trial: Trial, shared_folder: Path) -> dict[str, Tensor]:
    """The weights that a trial ends with when nothing happens to it; trained by whoever asks first."""
    path = shared_folder / f"undisturbed-{trial.trial_id}.safetensors"
    with locked(path.with_suffix(".lock"), fcntl.LOCK_EX):
        if not path.exists():
            training = Training(trial, torch.device("cpu"))
            for _ in range(trial.total_epochs):
                training.run_epoch()
            checkpoint.save_weights(path, training.model)
    return safetensors.torch.load_file(path)


def assert_undisturbed(weights: Path, trial: Trial, shared_folder: Path) -> None:
    """The stored weights equal to the bit those of a run that nothing happened to."""
    stored, expected = safetensors.torch.load_file(weights), undisturbed_weights(trial, shared_folder)
    assert stored.keys() == expected.keys()
    differing = [name for name in expected if not torch.equal(stored[name], expected[name])]
    assert not differing, trial.label


def forget() -> None:
    """As in a new process."""
    for cached in (fingerprint.of_object, syntax.read_module, syntax._top):
        cached.cache_clear()
