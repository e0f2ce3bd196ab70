"""Daemons: the processes of a Ray of our own, without which it never answers again.

Ray itself waits for a raylet that was killed for ever, and for its control store a minute, after which it ends this
process without a word of ours. So a thread looks after both and interrupts whatever the main thread waits for.
"""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress
from pathlib import Path
from types import FrameType

from bench.store.process import process_started

_NAMES = ("raylet", "gcs_server")
_LOOK = 1.0
"""Seconds between two looks, and between two signals to a main thread that didn't hear the first."""
_SIGNAL = signal.SIGUSR2


class RayLost(BaseException):
    """A daemon is gone. No `Exception`, which Ray's own code would take for that of a worker."""


class Watch:
    """Raises RayLost in the main thread when a daemon that this process has started is gone."""

    def __init__(self) -> None:
        self._daemons = {pid: name for pid, name in _children() if name in _NAMES}
        self._over = threading.Event()
        self.lost = ""
        """Name of the daemon that is gone."""
        self._handler = signal.signal(_SIGNAL, self._raise)
        threading.Thread(target=self._look, daemon=True, name="ray watch").start()

    def close(self) -> None:
        """Look no more: the daemons are about to be stopped."""
        self._over.set()
        signal.signal(_SIGNAL, self._handler)

    def _look(self) -> None:
        while not self._over.wait(_LOOK):
            gone = [name for pid, name in self._daemons.items() if process_started(pid) is None]
            if gone and not self._over.is_set():
                self.lost = gone[0]
                os.kill(os.getpid(), _SIGNAL)

    def _raise(self, number: int, frame: FrameType | None) -> None:
        if not self._over.is_set():
            # Once: what is to be cleared away needs time.
            self._over.set()
            raise RayLost(self.lost)


def _children() -> list[tuple[int, str]]:
    """The children of this process, with their names."""
    found = []
    for task in Path("/proc/self/task").iterdir():
        for pid in (task / "children").read_text(encoding="ascii").split():
            with suppress(OSError):
                found.append((int(pid), Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()))
    return found
