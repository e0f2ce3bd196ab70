"""Checkpoints now and then: what is lost by a kill is trained again to the bit, and stands once in the history."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import safetensors.torch

from bench.resources import Resources
from bench.store import Store, query
from bench.store.progress import read_progress
from bench.train.training import Training
from bench.trial import Trial
from cluster.job import Job
from cluster.report import Listener
from cluster.work.stopping import Stopping
from cluster.work.worker import run_trial
from tests.shared.training import SMALL
from tests.train.methods import CPU, METHODS, equal_to_the_bit, weights, without_times

Make = Callable[..., Trial]
SELDOM = 10_000
EPOCHS = 4


class Attempts:
    """One trial's attempts, each of which ends where it is told to."""

    def __init__(self, store: Store, trial: Trial, seconds: int) -> None:
        self.store, self.folder = store, store.folder(trial.trial_id)
        self.job = Job(store=store.root, launcher="test", resources=Resources(checkpoint_seconds=seconds))
        self.saved: dict[int, bool] = {}
        store.add([trial])

    def run(self, *, stop_in: int = 0, fail_after: int = 0) -> str:
        """Stop after the first step of an epoch, as SIGTERM does, or fail at the end of one."""
        stopping = Stopping()

        def on_batch(epoch: int, _: int, __: int) -> None:
            if epoch == stop_in:
                stopping.request("preempted", "asked to")

        def on_epoch(row: dict[str, Any]) -> None:
            self.saved[row["epoch"]] = self.folder.checkpoint.exists()
            if row["epoch"] == fail_after:
                raise RuntimeError("on purpose")

        listener = Listener(on_batch=on_batch, on_epoch=on_epoch)
        return run_trial(self.job, self.folder.trial_id, seen=99, stopping=stopping, listener=listener).outcome


@pytest.mark.parametrize(("seconds", "saved"), [(0, [True] * EPOCHS), (SELDOM, [False] * (EPOCHS - 1) + [True])])
def test_an_epoch_is_saved_when_it_is_due_and_the_last_one_always(
    store: Store, make_trial: Make, seconds: int, saved: list[bool]
) -> None:
    attempts = Attempts(store, make_trial(**SMALL, epochs=EPOCHS), seconds)
    assert attempts.run() == "done"
    assert list(attempts.saved.values()) == saved


def test_what_is_lost_is_trained_again_to_the_bit(store: Store, make_trial: Make) -> None:
    trial = make_trial(**SMALL, epochs=EPOCHS, **METHODS["sam"])
    attempts = Attempts(store, trial, SELDOM)
    assert attempts.run(fail_after=1) == "error"
    assert not attempts.folder.checkpoint.exists()
    assert query(store, "SELECT epoch FROM history").num_rows == 1
    # A stop saves in the middle of an epoch, and the next two epochs are lost.
    assert attempts.run(stop_in=2) == "preempted"
    assert attempts.folder.checkpoint.exists()
    assert attempts.run(fail_after=3) == "error"
    at = read_progress(attempts.folder)
    assert at is not None
    assert at.epoch == 3
    assert attempts.run() == "done"

    ended = query(store, "SELECT first_epoch, epochs FROM attempts ORDER BY attempt")
    assert [tuple(row.values()) for row in ended.to_pylist()] == [(0, 1), (0, 1), (1, 3), (1, EPOCHS)]
    whole = Training(trial, CPU)
    for _ in range(EPOCHS):
        whole.run_epoch()
    assert equal_to_the_bit(safetensors.torch.load_file(attempts.folder.weights), weights(whole))
    rows = query(store, "SELECT * EXCLUDE (trial_id) FROM history ORDER BY epoch").to_pylist()
    expected = without_times(whole)
    assert [{name: row[name] for name in each} for row, each in zip(rows, expected, strict=True)] == expected


def test_progress_of_an_attempt_that_left_no_checkpoint_is_forgotten(store: Store, make_trial: Make) -> None:
    attempts = Attempts(store, make_trial(**SMALL, epochs=EPOCHS), SELDOM)
    assert attempts.run(fail_after=3) == "error"
    assert read_progress(attempts.folder) is not None
    seen = []
    listener = Listener(on_batch=lambda *_: seen.append(read_progress(attempts.folder)))
    run_trial(attempts.job, attempts.folder.trial_id, seen=99, listener=listener)
    assert seen[0] is None
