"""Claim: the lease on a trial, so that no two workers ever train it at the same time.

A claim is the file `attempts/N.claim`; N counts up and no claim is ever removed, so a slow process can't take a
new claim for an old one. Whoever creates N.claim holds attempt N until N.parquet, its record, exists. Both are
created exclusively: claiming has one winner, and an attempt has one end. The holder touches its claim every few
seconds; a claim that is not touched for `STALE` seconds, or whose process is gone from this machine, is taken
over: first the dead attempt is recorded as crashed, then the next number is claimed.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from dataclasses import dataclass

from bench.store import files
from bench.store.attempt import OWN_FAULTS, Attempt, Outcome, is_over, read_outcome, record, vanished
from bench.store.claims.lease import is_dead, last_taken, read_holder, take
from bench.store.claims.process import this_machine
from bench.store.compacted import manifest
from bench.store.files import plain, temporary
from bench.store.folder import RECORD, StoreError, TrialFolder
from bench.store.store import Store


class ClaimLost(Exception):
    """The claim was taken over by another worker, which now owns the trial's files."""


@dataclass
class Claim:
    """A held claim. Close it by recording the attempt."""

    folder: TrialFolder
    number: int
    _over: threading.Event
    cancelled: threading.Event
    """Set when someone asks that the trial be stopped."""

    def verify(self) -> None:
        """ClaimLost if another worker took over. To be called before every write to the trial's folder."""
        verify(self.folder, self.number)

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
        self._over.set()


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
    claim = _create(folder, number + 1, launcher)
    if claim is not None:
        temporary.sweep(folder.attempts, store.now)
    return claim


def verify(folder: TrialFolder, number: int) -> None:
    """ClaimLost if attempt `number` is no longer its worker's."""
    if folder.claim(number + 1).exists() or folder.attempt(number).exists():
        raise ClaimLost(f"{folder.trial_id}: attempt {number} was taken over")


def last_number(folder: TrialFolder) -> int:
    """Number of the newest attempt, 0 if there is none."""
    # Of an attempt that only says that earlier ones are superseded there is a record and no claim.
    records = map(RECORD.fullmatch, plain.names(folder.attempts))
    return max([last_taken(folder.attempts), *(int(match[1]) for match in records if match)])


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


def _create(folder: TrialFolder, number: int, launcher: str) -> Claim | None:
    files.make_folder(folder.path)
    files.make_folder(folder.attempts)
    cancelled = threading.Event()

    def look() -> None:
        if folder.cancelled.exists():
            cancelled.set()

    over = take(folder.claim(number), launcher, look)
    return Claim(folder, number, over, cancelled) if over else None
