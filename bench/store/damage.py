"""Damage: files that readers leave out because they are damaged; each is logged once and noted for the board."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from bench.store.files import plain, seal
from bench.store.folder import HISTORY, LATER, StoreError

if TYPE_CHECKING:
    from bench.store.store import Store

RUN_AGAIN = "`sambench run` sets its trial aside and trains it again"
MEASURE_AGAIN = "`sambench measure` takes it again"
REPAIR = "`sambench store check --repair` restores what it can"

_told: set[str] = set()
_log = logging.getLogger(__name__)


class Damaged(StoreError):
    """A damaged file, for callers that can't go on without it."""

    def __init__(self, path: Path, reason: str, remedy: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"{path}: damaged: {reason}; {remedy}" if plain.is_damage(reason) else f"{path}: {reason}")


def leave_out(store: Store, damaged: Mapping[Path, str]) -> None:
    """Note files that an answer leaves out, and log each of them once."""
    for path, reason in damaged.items():
        text = f"{path.relative_to(store.root)}: left out: {reason}"
        if plain.is_damage(reason):
            text = f"{path.relative_to(store.root)}: damaged, left out: {reason}; {_remedy(path)}"
        store.left_out[path] = text
        told = f"{store.root}/{text}"
        if told not in _told:
            _told.add(told)
            _log.warning("%s", told)


def concerns_trial(path: Path) -> bool:
    """Whether nothing can be said about a trial without this file of its folder."""
    return path.name != HISTORY and path.parent.name != LATER


def fault_of(path: Path, size: int, digest: str | None) -> str | None:
    """What is wrong with a file that had this size and SHA-256 when it was written."""
    try:
        found = plain.status(path)
        if found.st_size != size:
            return f"has {found.st_size} bytes, not {size}"
        if digest and digest_at(path) != digest:
            return seal.BROKEN
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return plain.reason(error)
    return None


def digest_at(path: Path) -> str:
    """SHA-256 of a file; computed again only after the file changed."""
    found = plain.status(path)
    return _kept_digest(path, found.st_size, found.st_mtime_ns, found.st_ino)


def digest_of(path: Path) -> str:
    """SHA-256 of a file."""
    with plain.open_file(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@lru_cache(maxsize=1 << 16)
def _kept_digest(path: Path, *_stamps: int) -> str:
    # Kept, because workers ask for every trial.
    return digest_of(path)


def _remedy(path: Path) -> str:
    if path.parent.name == LATER:
        return MEASURE_AGAIN
    return REPAIR if "trials" not in path.parts[-4:] else RUN_AGAIN
