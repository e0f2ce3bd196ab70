"""Daemons: the processes of a Ray of our own, without which it never answers again.

Ray waits for a raylet that was killed for ever, and for its control store a minute, after which it ends this process
without a word of ours. So a thread looks after both and interrupts whatever the main thread waits for. Where that
doesn't hear, the thread ends the process: nothing is lost by it, as trials are the workers' to record.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from bench.store.claims.process import process_started
from cluster.scratch import Scratch

_NAMES = ("raylet", "gcs_server")
_LOOK = 1.0
"""Seconds between two looks."""
_PATIENCE = 10.0
"""Seconds that the main thread has to come back from Ray, Ray to stop, and workers to die."""
_SIGNAL = signal.SIGURG
"""Of no meaning to anyone else, and ignored where it isn't heeded."""
_FAILED = 2
"""Exit code of a command that couldn't do its work."""


class RayLost(BaseException):
    """A daemon is gone. No `Exception`, which Ray's own code would take for that of a worker."""


class Watch:
    """Looks after the daemons that this process has started."""

    def __init__(self, scratch: Scratch) -> None:
        self._scratch = scratch
        self._daemons = {pid: name for pid, name in _children(os.getpid()) if name in _NAMES}
        self._over = threading.Event()
        self._waits = False
        self.lost = ""
        """What to tell of the daemon that is gone."""
        self._handler = signal.signal(_SIGNAL, self._raise)
        threading.Thread(target=self._look, daemon=True, name="ray watch").start()

    def close(self) -> bool:
        """Look no more; whether Ray can still be stopped by its own means. Otherwise its processes are killed."""
        self._over.set()
        signal.signal(_SIGNAL, self._handler)
        if self.lost:
            self._clear_away()
            # Ray's own goodbye, at the end of the process, would wait for what is gone.
            atexit.register(_leave)
        return not self.lost

    def stop(self, shutdown: Callable[[], None]) -> None:
        """Stop Ray and all its workers, whose trials seem to run until they are dead.

        Its daemon has a second to end them, which on a busy machine it doesn't manage. One that doesn't answer is
        killed: Ray would wait for it for ever, through every Ctrl-C.
        """
        workers = self._workers()
        impatience = threading.Timer(_PATIENCE, self._kill_daemons)
        impatience.daemon = True
        impatience.start()
        shutdown()
        impatience.cancel()
        for pid, started in workers:
            if process_started(pid) == started:
                with suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + _PATIENCE
        while any(process_started(pid) == started for pid, started in workers) and time.monotonic() < deadline:
            time.sleep(_LOOK / 100)

    def _kill_daemons(self) -> None:
        for pid, _ in _children(os.getpid()):
            if pid in self._daemons:
                with suppress(OSError):
                    os.kill(pid, signal.SIGKILL)

    def _workers(self) -> list[tuple[int, str]]:
        """Worker processes, each with when it began."""
        found = [(pid, process_started(pid)) for daemon in self._daemons for pid, _ in _children(daemon)]
        return [(pid, started) for pid, started in found if started]

    @contextmanager
    def raising(self) -> Iterator[None]:
        """Inside, RayLost is raised in the main thread if a daemon is gone."""
        self._waits = True
        try:
            if self.lost:
                raise RayLost
            yield
        finally:
            self._waits = False

    def _look(self) -> None:
        while not self._over.wait(_LOOK):
            gone = [name for pid, name in self._daemons.items() if process_started(pid) is None]
            if gone:
                self.lost = f"Ray broke down, its {gone[0]} is gone; nothing is lost: run the same command to go on"
                self._interrupt()
                return

    def _interrupt(self) -> None:
        if self._waits:
            os.kill(os.getpid(), _SIGNAL)
        deadline = time.monotonic() + _PATIENCE
        while self._waits and not self._over.is_set():
            if time.monotonic() > deadline:
                print(self.lost, file=sys.stderr)
                self._clear_away()
                _leave()
            self._over.wait(_LOOK / 10)

    def _raise(self, number: int, frame: FrameType | None) -> None:
        if self._waits and self.lost:
            raise RayLost

    def _clear_away(self) -> None:
        for pid, _ in _children(os.getpid()):
            with suppress(OSError):
                if os.fsencode(self._scratch.path) in Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(pid, signal.SIGKILL)
        self._scratch.close()


def _leave() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(_FAILED)


def _children(parent: int) -> list[tuple[int, str]]:
    """The children of a process, with their names."""
    found = []
    for task in Path("/proc").glob(f"{parent}/task/*"):
        with suppress(OSError):
            for pid in (task / "children").read_text(encoding="ascii").split():
                found.append((int(pid), Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()))
    return found
