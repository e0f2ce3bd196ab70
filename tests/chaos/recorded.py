"""Recorded trials: what workers, compaction, merge, export and measuring do to a store, without a network.

Each role runs in a forked process until the store is finished or it is killed, so that thousands of kills are cheap.
"""

from __future__ import annotations

import os
import random
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.store import Attempt, Claim, ClaimLost, Outcome, Store, acquire, compact, files, states
from bench.store.claims.lease import lease
from bench.store.measured import Quantity, add_measure
from bench.store.results import write_history, write_measures
from bench.store.upkeep.export import export
from bench.store.upkeep.merge import merge
from bench.trial import Trial
from tests.chaos.truth import RECORDED_EPOCHS, Truth, recorded_accuracy, recorded_weights

MEASURE = Quantity("sharpness", "{}")
_PAUSE = 0.02
"""Mean seconds of an epoch, and between two rounds of whatever isn't a worker."""


@dataclass(frozen=True)
class Place:
    """Where the roles of one round work."""

    truth: Truth
    store: Path
    merged: Path
    exported: Path
    seed: int

    def role(self, name: str) -> Callable[[], None]:
        """The work of a role, whose random choices differ from process to process."""

        def work() -> None:
            random.seed(f"{self.seed} {name} {os.getpid()}")
            ROLES[name](self)

        return work


def write(place: Place) -> None:
    """A worker: trials in any order, until all are done."""
    store, trials = Store.open(place.store), place.truth.trials
    left = list(trials)
    while left:
        random.shuffle(left)
        for trial_id in left:
            work_on(store, trials[trial_id])
        left = [trial_id for trial_id, state in states(store, left).items() if state.status != "done"]


def work_on(store: Store, trial: Trial, *, dies: bool = False) -> None:
    """One attempt, if the trial can be had; `dies`: end this process with the claim open."""
    store.add([trial])
    folder = store.folder(trial.trial_id)
    claim = acquire(store, folder, "inline", seen=10**6)
    if claim is None:
        return
    if dies:
        os._exit(9)
    try:
        # One in eight first fails, so that there are trials with something newer than their compacted rows.
        fails = claim.number == 1 and int(trial.trial_id[0], 16) % 8 == 0
        if not fails:
            _train(claim)
        claim.verify()
        claim.end(_attempt(claim, "error" if fails else "done"))
        if not fails:
            folder.checkpoint.unlink(missing_ok=True)
    except ClaimLost as lost:
        # Nobody takes over a process that lives on this machine.
        raise AssertionError(f"a live worker lost its trial: {lost}") from lost
    finally:
        claim.abandon()


def _train(claim: Claim) -> None:
    folder = claim.folder
    for leftover in folder.path.glob(".tmp-*"):
        leftover.unlink(missing_ok=True)
    state = folder.checkpoint.read_bytes() if folder.checkpoint.exists() else b""
    known = {recorded_weights(folder.trial_id, epoch): epoch for epoch in range(RECORDED_EPOCHS + 1)}
    assert not state or state in known, "a checkpoint is whole or not there"
    for epoch in range(known.get(state, 0), RECORDED_EPOCHS):
        time.sleep(random.expovariate(1 / _PAUSE))
        claim.verify()
        files.write(folder.checkpoint, recorded_weights(folder.trial_id, epoch + 1))
    claim.verify()
    write_history(folder, [{"epoch": epoch + 1, "lr": 0.1} for epoch in range(RECORDED_EPOCHS)])
    files.write(folder.weights, folder.checkpoint.read_bytes())
    write_measures(folder, {"test_accuracy": recorded_accuracy(folder.trial_id)})


def _attempt(claim: Claim, outcome: Outcome) -> Attempt:
    now = datetime.now(UTC)
    return Attempt(
        trial_id=claim.folder.trial_id,
        attempt=claim.number,
        outcome=outcome,
        message="" if outcome == "done" else "RuntimeError: first try",
        started=now,
        ended=now,
        wall_s=0.1,
        launcher="inline",
        host=socket.gethostname(),
        pid=os.getpid(),
    )


def _again_and_again(step: Callable[[Place], None]) -> Callable[[Place], None]:
    def loop(place: Place) -> None:
        while True:
            step(place)
            time.sleep(random.expovariate(1 / _PAUSE))

    return loop


def fold(place: Place) -> None:
    """Compaction."""
    compact(Store.open(place.store))


def unite(place: Place) -> None:
    """Merge into a second store."""
    merge([Store.open(place.store)], Store.create(place.merged))


def send(place: Place) -> None:
    """Export."""
    export(Store.open(place.store), str(place.exported))


def measure(place: Place) -> None:
    """Take a quantity of a done trial, as `sambench measure` does of a trained model."""
    store = Store.open(place.store)
    folder = store.folder(random.choice(list(place.truth.accuracy)))
    if folder.weights.exists() and states(store, [folder.trial_id])[folder.trial_id].status == "done":
        with lease(store, folder, "inline") as ours:
            if ours:
                add_measure(folder, MEASURE, measured_value(folder.trial_id))


def measured_value(trial_id: str) -> float:
    """What is measured of a trial after its training."""
    return recorded_accuracy(trial_id) / 10


ROLES: dict[str, Callable[[Place], None]] = {
    "writer": write,
    "compaction": _again_and_again(fold),
    "merge": _again_and_again(unite),
    "export": _again_and_again(send),
    "measure": _again_and_again(measure),
}
"""Role → what its process does until it is killed; only a writer ends by itself."""
