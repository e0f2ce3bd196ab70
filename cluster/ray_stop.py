"""Stop by mark: the file `attempts/N.stop` asks whoever works on attempt N to stop, on whatever node that is.

The same file stops the processes that train a trial together; here it also says how the attempt is to be recorded.
"""

from __future__ import annotations

import json
import time

from bench.store import Outcome, TrialFolder, files
from bench.store.claim import last_number
from cluster.stopping import Stopping

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


class MarkedStopping(Stopping):
    """Stops when the trial's newest attempt, which is the worker's own, is marked."""

    def __init__(self, folder: TrialFolder) -> None:
        super().__init__()
        self._folder = folder
        self._next_look = 0.0

    @property
    def requested(self) -> bool:
        """Whether to stop."""
        if not super().requested and time.monotonic() > self._next_look:
            self._next_look = time.monotonic() + _LOOK
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
