"""Trials and attempts in a store, as workers would have left them."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime

from bench.store import (
    Attempt,
    Store,
    TrialFolder,
    acquire,
)
from bench.store.results import write_history, write_measures
from bench.trial import Trial

Make = Callable[..., Trial]


def ended(folder: TrialFolder, number: int, outcome: str = "done") -> Attempt:
    now = datetime.now(UTC)
    return Attempt(
        trial_id=folder.trial_id,
        attempt=number,
        outcome=outcome,  # type: ignore[arg-type]
        started=now,
        ended=now,
        wall_s=1.0,
        launcher="test",
        host="host",
        pid=os.getpid(),
    )


def dead_claim(folder: TrialFolder) -> int:
    """Let a process claim the trial and die; returns its id."""
    script = (
        "import os, sys; from bench.store import Store, acquire\n"
        "store = Store.open(sys.argv[1]); acquire(store, store.folder(sys.argv[2]), 'test'); os._exit(9)"
    )
    root = folder.path.parent.parent
    process = subprocess.Popen([sys.executable, "-c", script, str(root), folder.trial_id])
    assert process.wait() == 9
    return process.pid


def finish(store: Store, trial: Trial, outcome: str = "done", **measures: float) -> None:
    """Put a trial into the store as a worker would."""
    store.add([trial])
    folder = store.folder(trial.trial_id)
    held = acquire(store, folder, "test", seen=99)
    assert held is not None
    if measures:
        write_measures(folder, measures)
    write_history(folder, [{"epoch": 1, "lr": 0.1, "train_loss": 1.0}])
    held.end(dataclasses.replace(ended(folder, held.number), outcome=outcome))


def fill_both(store: Store, other: Store, make_trial: Make) -> None:
    """Seed 0 done in both, 1 failed in the first and done in the second, 2 and 3 in one each."""
    finish(store, make_trial(seed=0), test_accuracy=90.0)
    finish(store, make_trial(seed=1), "error")
    finish(store, make_trial(seed=2), test_accuracy=92.0)
    finish(other, make_trial(seed=0), test_accuracy=10.0)
    finish(other, make_trial(seed=1), test_accuracy=91.0)
    finish(other, make_trial(seed=3), "error")


def done(store: Store, trial: Trial, value: float, **origin: object) -> None:
    """Put a finished trial into the store that was made with something particular."""
    store.add([trial])
    folder = store.folder(trial.trial_id)
    held = acquire(store, folder, "test", seen=99)
    assert held is not None
    write_measures(folder, {"test_accuracy": value})
    held.end(dataclasses.replace(ended(folder, held.number), outcome="done", **origin))
