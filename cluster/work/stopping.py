"""Stopping: why a worker must stop (signal, clock, mark or user), checked after each step.

The mark is the file `attempts/N.stop`: it asks whoever works on attempt N to stop, on whatever node that is, and says
how the attempt is to be recorded. The same file stops the processes that train a trial together.
"""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType

from bench.store import Outcome, TrialFolder, files
from bench.store.claims.claim import last_number


class Stopping:
    """Whether a worker is to stop, and why; once it is, that stays so."""

    def __init__(self, deadline: float | None = None) -> None:
        self._deadline = deadline
        """On the monotonic clock."""
        self._event = threading.Event()
        self.outcome: Outcome = "preempted"
        """How the attempt that is stopped is recorded."""
        self.message = ""

    def request(self, outcome: Outcome, message: str) -> None:
        """Stop after the next step; the first reason counts."""
        if not self._event.is_set():
            self.outcome, self.message = outcome, message
            self._event.set()

    @property
    def requested(self) -> bool:
        """Whether to stop."""
        if self._deadline is not None and time.monotonic() > self._deadline:
            self.request("timeout", "the time of its job was over")
        return self._event.is_set()


@contextmanager
def on_signals(answers: Mapping[signal.Signals, Callable[[], None]]) -> Iterator[None]:
    """Inside, each signal calls its answer, in the main thread between two steps of the interpreter."""

    def handler(answer: Callable[[], None]) -> Callable[[int, FrameType | None], None]:
        return lambda number, frame: answer()

    before = {number: signal.signal(number, handler(answer)) for number, answer in answers.items()}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


_LOOK = 0.5
"""Seconds between two looks for the mark: on a shared file system each costs a little."""


def ask_to_stop(folder: TrialFolder, outcome: Outcome, message: str) -> None:
    """Ask the worker of the newest attempt to stop; of no effect if that is over."""
    number = last_number(folder)
    if number:
        files.write(folder.stop(number), json.dumps({"outcome": outcome, "message": message}).encode())


def wait_for_end(folder: TrialFolder, deadline: float) -> None:
    """Until the newest attempt is recorded, or the monotonic clock shows `deadline`."""
    number = last_number(folder)
    while number and not folder.attempt(number).exists() and time.monotonic() < deadline:
        time.sleep(_LOOK)


class _Timer:
    """When to look for a mark again."""

    def __init__(self) -> None:
        self._next = 0.0

    def is_due(self) -> bool:
        if time.monotonic() < self._next:
            return False
        self._next = time.monotonic() + _LOOK
        return True


class MarkedStopping(Stopping):
    """Stops when the trial's newest attempt, the worker's own, is marked."""

    def __init__(self, folder: TrialFolder) -> None:
        super().__init__()
        self._folder = folder
        self._timer = _Timer()

    @property
    def requested(self) -> bool:
        """Whether to stop."""
        if not super().requested and self._timer.is_due():
            self._look()
        return super().requested

    def _look(self) -> None:
        try:
            said = self._folder.stop(last_number(self._folder)).read_text(encoding="utf-8")
        except FileNotFoundError:
            return
        # A mark without words is the worker's own, for its processes.
        if said:
            self.request(**json.loads(said))


def mark_for_ranks(folder: TrialFolder, number: int) -> None:
    """Ask the processes that train attempt `number` together to stop; their worker knows why."""
    folder.stop(number).touch()


class RankMark:
    """Whether the processes of an attempt are asked to stop; the first one looks, and all hear of it."""

    def __init__(self, folder: TrialFolder, number: int, rank: int) -> None:
        self._path, self._looks = folder.stop(number), rank == 0
        self._timer = _Timer()

    def __call__(self) -> bool:
        return self._looks and self._timer.is_due() and self._path.exists()
