"""Temporary: names of unfinished files, which identify their owner so that a dead process's can be removed.

`.tmp-MACHINE-PID-START-X`: a digest of the machine's boot and process namespace, and the process with its start, as a
claim has them. Where that process can't be seen, a file that nobody wrote to for an hour is taken for a dead one's.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache, partial
from pathlib import Path

from bench.store.claims.process import process_started, runs, this_machine
from bench.store.files import plain

SILENCE = 3600.0
"""Seconds without a touch after which a process that can't be seen from here is taken to be gone."""

_OURS = re.compile(r"\.(?:tmp|probe|work)-([0-9a-f]{12})-(\d{1,10})-(\d{1,20})-[0-9a-f]{16}")
_EARLIER = re.compile(r"\.tmp-[a-z0-9_]{8}|\.probe-[0-9a-f]{32}")
"""Names that earlier versions gave, which don't say whose they are."""
_HEAD = re.compile(r"\.(?:tmp|probe)-")


def new_name(kind: str = "tmp") -> str:
    """A name that nothing else has."""
    return f".{kind}-{_here()}-{os.getpid()}-{process_started(os.getpid())}-{secrets.token_hex(8)}"


def is_left(name: str, silent: Callable[[], float]) -> bool:
    """Whether a file of this name was left by a process that is gone; `silent`: seconds since it was last touched."""
    if match := _OURS.fullmatch(name):
        there = runs(int(match[2]), match[3]) if match[1] == _here() else None
        return silent() > SILENCE if there is None else not there
    return _EARLIER.fullmatch(name) is not None and silent() > SILENCE


def left_in(folder: Path, now: Callable[[], float] = time.time) -> list[Path]:
    """The temporary files in a folder whose processes are gone; `now`: the file system's time."""
    # Most folders have none, and need no look at any file.
    # Also a user's own, in which links are nobody's fault.
    there = sorted(name for name in plain.names(folder, odd=True) if _HEAD.match(name))
    return [folder / name for name in there if is_left(name, partial(_silence, folder / name, now))]


def sweep(folder: Path, now: Callable[[], float] = time.time) -> None:
    """Remove the temporary files and folders of processes that are gone."""
    with suppress(OSError):
        for path in left_in(folder, now):
            # Somebody else's, or swept by another meanwhile.
            with suppress(OSError):
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def _silence(path: Path, now: Callable[[], float]) -> float:
    try:
        return now() - path.lstat().st_mtime
    except FileNotFoundError:
        return 0.0


@lru_cache(maxsize=1)
def _here() -> str:
    return hashlib.sha256(this_machine().encode()).hexdigest()[:12]
