"""How long a test waits for other processes: longer on a loaded machine, which is no fault of theirs."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
_RARELY = 10.0
"""How much longer one waits than a question takes."""
_LATE = 1.0
"""Seconds that an answer may be late by."""


def patience(seconds: float = 240.0) -> float:
    """The seconds that something may take which takes far less where nothing else runs."""
    return seconds * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def wait_for(
    condition: Callable[[], T],
    seconds: float = 240.0,
    situation: Callable[[], str] = lambda: "nothing happened in time",
    *,
    pause: float = 0.05,
) -> T:
    """What `condition` gives as soon as it gives anything; AssertionError with the situation if it never does.

    It is asked every `pause` seconds, but seldom enough that asking takes little from what is waited for.
    """
    start = asked = time.monotonic()
    while not (found := condition()):
        took = time.monotonic() - asked
        # Asked again each time: what else runs may begin later.
        assert time.monotonic() - start < patience(seconds), situation()
        time.sleep(max(pause, min(_RARELY * took, _LATE)))
        asked = time.monotonic()
    return found
