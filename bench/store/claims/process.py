"""Process: how a file names the process that made it, and whether that is alive."""

from __future__ import annotations

import os
import socket
from functools import lru_cache
from typing import Any


def describe_holder(launcher: str) -> dict[str, Any]:
    """What a claim of this process says, by which others tell whether it lives."""
    return {
        "host": socket.gethostname(),
        "machine": this_machine(),
        "pid": os.getpid(),
        "process_started": process_started(os.getpid()),
        "launcher": launcher,
    }


def is_there(holder: dict[str, Any]) -> bool | None:
    """Whether the process that describes itself so runs; None if it can't be seen from here.

    That is so on another machine, and for somebody else's process where `/proc` is mounted with `hidepid`.
    """
    return runs(holder["pid"], holder["process_started"]) if holder["machine"] == this_machine() else None


def runs(pid: int, started: str) -> bool | None:
    """Whether the process of this machine that has this id began then; None if it can't be seen."""
    found = process_started(pid)
    if found is None and _is_hidden(pid):
        return None
    return found == started


@lru_cache(maxsize=1)
def this_machine() -> str:
    """Boot and process namespace: only there does a process id mean the same process."""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        boot = file.read().strip()
    return f"{boot}/{os.readlink('/proc/self/ns/pid')}"


def process_started(pid: int) -> str | None:
    """Start of a process in clock ticks since boot, which tells it from a later one of the same id; None if gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            after_name = file.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, started = after_name[0], after_name[19]
    return None if state in "ZX" else started


def _is_hidden(pid: int) -> bool:
    """Whether there is a process of this id, of which nothing is shown."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return not os.path.exists(f"/proc/{pid}")
    # Our own process, not shown only because it is a zombie.
    return False
