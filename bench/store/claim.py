"""Claim: the lease on a trial, so that no two workers ever train it at the same time.

A claim is the file `attempts/N.claim`; N counts up and no claim is ever removed, so a slow process can't take a
new claim for an old one. Whoever creates N.claim holds attempt N until N.parquet, its record, exists. Both are
created exclusively: claiming has one winner, and an attempt has one end. The holder touches its claim every few
seconds; a claim that is not touched for `STALE` seconds, or whose process is gone from this machine, is taken
over: first the dead attempt is recorded as crashed, then the next number is claimed.
"""

from __future__ import annotations

import json
import os
import re
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from bench.store import files, manifest, plain
from bench.store.attempt import OWN_FAULTS, Attempt, Outcome, is_over, read_outcome, record, vanished
from bench.store.folder import StoreError, TrialFolder
from bench.store.layout import Store

_CLAIM = re.compile(r"(\d{4,})\.claim")
HEARTBEAT = 5.0
"""Seconds between two touches of a claim."""
STALE = 60.0
"""Seconds without a touch after which a claim of another machine is given up for dead."""


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
    number = last_number(folder) or manifest.current(store.root).attempts(folder.trial_id)
    if number and not is_over(folder, number) and not bury(store, folder, number):
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


def bury(store: Store, folder: TrialFolder, number: int, outcome: Outcome = "crashed") -> bool:
    """Record the open attempt `number` for its worker if that is dead; whether the attempt is over now."""
    if is_over(folder, number):
        return True
    try:
        holder = json.loads(plain.read(folder.claim(number)))
        touched = folder.claim(number).stat().st_mtime
    except FileNotFoundError:
        return True
    if folder.interrupted(number).exists():
        outcome = "preempted"
    elif not is_dead(store, holder, touched):
        return False
    elif outcome == "crashed" and holder["machine"] != _machine():
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


def is_dead(store: Store, holder: dict[str, Any], touched: float) -> bool:
    """Whether the worker that made a claim is gone: surely where its process can be seen, else by its silence."""
    there = is_there(holder)
    # A stamp from the future is of a clock that was put back: whoever lives touches again within seconds.
    return abs(store.now() - touched) > STALE if there is None else not there


def is_there(holder: dict[str, Any]) -> bool | None:
    """Whether the process that describes itself so runs; None if it can't be seen from here.

    That is so on another machine, and for somebody else's process where `/proc` is mounted with `hidepid`.
    """
    if holder["machine"] != _machine():
        return None
    started = _process_started(holder["pid"])
    if started is None and _is_hidden(holder["pid"]):
        return None
    return started == holder["process_started"]


def describe_holder(launcher: str) -> dict[str, Any]:
    """What a claim of this process says, by which others tell whether it lives."""
    return {
        "host": socket.gethostname(),
        "machine": _machine(),
        "pid": os.getpid(),
        "process_started": _process_started(os.getpid()),
        "launcher": launcher,
    }


def _create(folder: TrialFolder, number: int, launcher: str) -> Claim | None:
    files.make_folder(folder.path)
    files.make_folder(folder.attempts)
    try:
        files.create(folder.claim(number), json.dumps(describe_holder(launcher)).encode())
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


def _is_hidden(pid: int) -> bool:
    """Whether there is a process of this id, of which nothing is shown."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return not os.path.exists(f"/proc/{pid}")
    # Ours, and gone from view only because it is dead and not yet waited for.
    return False


@lru_cache(maxsize=1)
def _machine() -> str:
    """Boot and process namespace: only there does a process id mean the same process."""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        boot = file.read().strip()
    return f"{boot}/{os.readlink('/proc/self/ns/pid')}"


def _process_started(pid: int) -> str | None:
    """Start of a process in clock ticks since boot, which tells it from a later one of the same id; None if gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            after_name = file.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, started = after_name[0], after_name[19]
    return None if state in "ZX" else started
