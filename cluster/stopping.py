"""Stopping: why a worker is to stop, said by a signal, a clock or a person, and heard after the next step."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType

from bench.store import Outcome


class Stopping:
    """A worker's answer to: go on? Once it is to stop, it stays so."""

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
