"""Stopping: why a worker is to stop, said by a signal, a clock or a person, and heard after the next step."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
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
    def on_signals(self, *numbers: signal.Signals) -> Iterator[None]:
        """Inside, these signals mean preemption; a second one changes nothing."""

        def stop(number: int, frame: FrameType | None) -> None:
            self.request("preempted", f"signal {signal.Signals(number).name}")

        before = {number: signal.signal(number, stop) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
