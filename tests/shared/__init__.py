"""What the processes of one test session share, so that none of them does it again.

Processes that tests start import this package, most of them without torch, which takes seconds to import.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bench import fingerprint
from bench.fingerprint import syntax
from bench.trial import Trial

if TYPE_CHECKING:
    from torch import Tensor


@contextmanager
def locked(file: Path, kind: int) -> Iterator[None]:
    """Hold a lock of the system, which a process that dies gives back."""
    with file.open("a", encoding="ascii") as handle:
        fcntl.flock(handle, kind)
        yield


def undisturbed_weights(trial: Trial, shared_folder: Path) -> dict[str, Tensor]:
    """The weights that a trial ends with when nothing happens to it; trained by whoever asks first."""
    import safetensors.torch
    import torch

    from bench.train import checkpoint
    from bench.train.training import Training

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
    import safetensors.torch

    stored, expected = safetensors.torch.load_file(weights), undisturbed_weights(trial, shared_folder)
    assert stored.keys() == expected.keys()
    differing = [name for name in expected if not stored[name].equal(expected[name])]
    assert not differing, trial.label


def forget() -> None:
    """As in a new process."""
    for cached in (fingerprint.of_object, syntax.read_module, syntax._top):
        cached.cache_clear()
