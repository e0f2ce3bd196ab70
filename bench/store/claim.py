"""Claim: the lease on a trial, so that no two workers ever train it at the same time.

A claim is the file `attempts/N.claim`; N counts up and no claim is ever removed, so a slow process can't take a
new claim for an old one. Whoever creates N.claim holds attempt N until N.parquet, its record, exists. Both are
created exclusively: claiming has one winner, and an attempt has one end. The holder touches its claim every few
seconds; a claim that is not touched for `STALE` seconds, or whose process is gone from this machine, is taken
over: first the dead attempt is recorded as crashed, then the next number is claimed.
"""

from __future__ import annotations

import os
import re
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bench.store import files, plain, seal
from bench.store.attempt import OWN_FAULTS, Attempt, Outcome, is_over, read_outcome, record, vanished
from bench.store.compacted import manifest
from bench.store.folder import StoreError, TrialFolder
from bench.store.lease import _UNKNOWN, HEARTBEAT, describe_holder, is_dead, read_holder, this_machine
from bench.store.store import Store

_CLAIM = re.compile(r"(\d{4,})\.claim")


class ClaimLost(Exception):
    """The claim was taken over by another worker, which now owns the trial's files."""


@dataclass
class Claim:
    """A held claim. Close it by recording the attempt."""

    folder: TrialFolder
    number: int
    _stop: threading.Event
    cancelled: threading.Event
    """Set when someone asks that the trial be stopped."""

    def verify(self) -> None:
        """ClaimLost if another worker took over. To be called before every write to the trial's folder."""
        taken = self.folder.claim(self.number + 1).exists() or self.folder.attempt(self.number).exists()
        if taken:
            raise ClaimLost(f"{self.folder.trial_id}: attempt {self.number} was taken over")

    def end(self, attempt: Attempt) -> None:
        """Record how the attempt ended and let go of the trial; ClaimLost if it was recorded as dead meanwhile."""
        self.abandon()
        try:
            record(self.folder, attempt)
        except FileExistsError as error:
            raise ClaimLost(f"{self.folder.trial_id}: attempt {self.number} was taken over") from error

    def interrupt(self) -> None:
        """Let go of the trial where the attempt's end can't be recorded, such as on a full disk."""
        self.abandon()
        mark_interrupted(self.folder, self.number)

    def abandon(self) -> None:
        """Stop the heartbeat."""
        self._stop.set()


def acquire(store: Store, folder: TrialFolder, launcher: str, *, seen: int = 0) -> Claim | None:
    """Claim the next attempt of a trial; None if a live worker holds it, it is cancelled, or nothing is left to do.

    `seen` is the newest attempt that the caller knew of when it decided to run the trial: a failure recorded
    since then is another driver's answer, and is not tried again.
    """
    if obstacle := folder.obstacle(to_write=True):
        raise StoreError(obstacle)
    if folder.cancelled.exists():
        return None
    folder.refuse_other_schema()
    number = last_number(folder) or manifest.current(store.root).attempts(folder.trial_id)
    if number and not is_over(folder, number) and not close_dead(store, folder, number):
        return None
    if number:
        # An ended attempt is never changed and the next number has one winner, so this look can't be overtaken.
        outcome = read_outcome(folder, number)
        if outcome == "done" or (outcome in OWN_FAULTS and number > seen):
            return None
    return _create(folder, number + 1, launcher)


def last_number(folder: TrialFolder) -> int:
    """Number of the newest claim, 0 if there is none."""
    found = map(_CLAIM.fullmatch, plain.names(folder.attempts))
    return max((int(match[1]) for match in found if match), default=0)


def close_dead(store: Store, folder: TrialFolder, number: int, outcome: Outcome = "crashed") -> bool:
    """Record the open attempt `number` for its worker if that is dead; whether the attempt is over now."""
    if is_over(folder, number):
        return True
    try:
        holder, touched = read_holder(folder.claim(number))
    except FileNotFoundError:
        return True
    if folder.interrupted(number).exists():
        outcome = "preempted"
    elif not is_dead(store, holder, touched):
        return False
    elif outcome == "crashed" and holder["machine"] != this_machine():
        outcome = "lost"
    try:
        record(folder, vanished(folder.trial_id, number, holder, touched, outcome))
    except FileExistsError:
        pass
    except OSError:
        if outcome == "preempted":
            mark_interrupted(folder, number)
        raise
    return True


def mark_interrupted(folder: TrialFolder, number: int) -> None:
    """Mark an open attempt as interrupted where possible: by a second name of its claim, which needs no space."""
    with suppress(OSError):
        os.link(folder.claim(number), folder.interrupted(number))


def is_readable(path: Path) -> bool:
    """Whether a claim says who holds it."""
    return read_holder(path)[0] != _UNKNOWN


def _create(folder: TrialFolder, number: int, launcher: str) -> Claim | None:
    files.make_folder(folder.path)
    files.make_folder(folder.attempts)
    try:
        files.create(folder.claim(number), seal.sealed_json(describe_holder(launcher)))
    except FileExistsError:
        return None
    claim = Claim(folder, number, threading.Event(), threading.Event())
    threading.Thread(target=_beat, args=(claim,), daemon=True, name="heartbeat").start()
    return claim


def _beat(claim: Claim) -> None:
    while not claim._stop.wait(HEARTBEAT):
        # A folder that was set aside or a share that is away for a while must not end the training.
        with suppress(OSError):
            os.utime(claim.folder.claim(claim.number))
            if claim.folder.cancelled.exists():
                claim.cancelled.set()
