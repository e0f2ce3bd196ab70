"""Lease: how a process claims a trial, and how others tell whether it is alive.

Whoever creates the file `N.claim` has it, and touches it every few seconds; N counts up. So an attempt is claimed, and
so one process at a time measures a trial: its `measures/N.claim` is removed at the end, while that of a process that
died stays, and the next number is taken. Nothing is wrong if two should measure the same after all: a quantity is
recorded once.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from bench.store import files
from bench.store.claims.process import describe_holder, is_there
from bench.store.files import plain, seal, temporary
from bench.store.folder import TrialFolder
from bench.store.store import Store

HEARTBEAT = 5.0
"""Seconds between two touches of a claim."""
STALE = 60.0
"""Seconds without a touch after which a claim of another machine is given up for dead."""


_UNKNOWN: dict[str, Any] = {
    "host": "an unknown machine", "machine": "", "pid": 0, "process_started": "", "launcher": "unknown",
}  # fmt: skip
"""Holder of a claim that is damaged."""

_NAME = re.compile(r"(\d{4,})\.claim")


@contextmanager
def lease(store: Store, folder: TrialFolder, launcher: str) -> Iterator[bool]:
    """Inside, whether the trial is ours to measure; not if a live process has it."""
    files.make_folder(folder.later)
    # One look: with a second one, two processes that both find a dead lease could take different numbers.
    number = last_taken(folder.later)
    if not _is_over(store, folder, number):
        yield False
        return
    temporary.sweep(folder.later, store.now)
    path = folder.lease(number + 1)
    over = take(path, launcher)
    if over is None:
        yield False
        return
    try:
        yield True
    finally:
        over.set()
        # Remove only our own: if a dead process's claim went, a slow process could take its number a second time.
        path.unlink(missing_ok=True)


def take(path: Path, launcher: str, look: Callable[[], None] = lambda: None) -> threading.Event | None:
    """Create a claim, and touch it until the event is set, with a look each time; None if somebody else has it."""
    try:
        files.create(path, seal.sealed_json(describe_holder(launcher)))
    except FileExistsError:
        return None
    return _keep_touching(path, look)


def last_taken(folder: Path) -> int:
    """Number of the newest claim in a folder, 0 if there is none."""
    found = map(_NAME.fullmatch, plain.names(folder))
    return max((int(match[1]) for match in found if match), default=0)


@contextmanager
def touching(path: Path) -> Iterator[None]:
    """Inside, the file is touched every few seconds, to say that its process lives."""
    over = _keep_touching(path)
    try:
        yield
    finally:
        over.set()


def is_leased(store: Store, folder: TrialFolder) -> bool:
    """Whether a live process measures the trial."""
    return not _is_over(store, folder, last_taken(folder.later))


def _is_over(store: Store, folder: TrialFolder, number: int) -> bool:
    try:
        holder, touched = read_holder(folder.lease(number))
    except FileNotFoundError:
        return True
    return is_dead(store, holder, touched)


def _keep_touching(path: Path, look: Callable[[], None] = lambda: None) -> threading.Event:
    over = threading.Event()

    def beat() -> None:
        while not over.wait(HEARTBEAT):
            # A folder that was set aside or a share that is away for a while must not end the work.
            with suppress(OSError):
                os.utime(path)
                look()

    threading.Thread(target=beat, daemon=True, name="heartbeat").start()
    return over


def is_dead(store: Store, holder: dict[str, Any], touched: float) -> bool:
    """Whether the worker that made a claim is gone: surely where its process can be seen, else by its silence."""
    there = is_there(holder)
    # A time in the future means that the clock was set back; a live holder touches its claim again within seconds.
    return abs(store.now() - touched) > STALE if there is None else not there


def is_readable(path: Path) -> bool:
    """Whether a claim says who holds it."""
    return read_holder(path)[0] != _UNKNOWN


def read_holder(path: Path) -> tuple[dict[str, Any], float]:
    """What a claim says, and when it was last touched; FileNotFoundError if it isn't there.

    A damaged claim names no holder, so that only its touches tell whether it is alive.
    """
    touched = path.lstat().st_mtime
    try:
        holder = seal.read_json(plain.read(path))
    except (PermissionError, ValueError):
        holder = {}
    fits = all(type(holder.get(name)) is type(value) for name, value in _UNKNOWN.items())
    return (holder if fits else dict(_UNKNOWN)), touched
