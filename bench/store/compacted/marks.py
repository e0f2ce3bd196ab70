"""Marks: which compacted trials may have something newer, so that readers need not look into every trial's folder.

`changed/ID-N` stands for attempt N, `changed/ID-measures-…` for measures that were added. Whoever writes to a trial
that may be compacted leaves a mark first; compaction removes it once what it announced is in the compact files.
"""

from __future__ import annotations

import os
import re
import uuid
from pathlib import Path
from typing import NamedTuple

from bench.store import files
from bench.store.folder import CHANGED, TRIAL_ID

_MARK = re.compile(rf"({TRIAL_ID.pattern})-(\d{{4,}}|measures-[0-9a-f]{{8}})")


class Mark(NamedTuple):
    """A sign that a trial has something newer than its compacted rows may be."""

    name: str
    trial_id: str
    attempt: int | None
    """The attempt that was recorded; None if measures were added."""


def mark_attempt(root: Path, trial_id: str, attempt: int) -> None:
    """Say that `attempt` is about to be recorded. Before the record, so that none can be there without its mark."""
    _mark(root, f"{trial_id}-{attempt:04d}")


def mark_measures(root: Path, trial_id: str) -> Path:
    """Say that measures of a trial that is over are about to be written; the mark."""
    return _mark(root, f"{trial_id}-measures-{uuid.uuid4().hex[:8]}")


def left(root: Path) -> list[Mark]:
    """All marks of the store at `root`."""
    try:
        names = os.listdir(root / CHANGED)
    except FileNotFoundError:
        return []
    found = [match for name in names if (match := _MARK.fullmatch(name))]
    return [Mark(match[0], match[1], int(match[2]) if match[2].isdigit() else None) for match in found]


def remove(root: Path, mark: Mark) -> None:
    """Remove a mark, which another process may have done."""
    path_of(root, mark).unlink(missing_ok=True)


def path_of(root: Path, mark: Mark) -> Path:
    """Where a mark is; it says by its time when it was made."""
    return root / CHANGED / mark.name


def _mark(root: Path, name: str) -> Path:
    folder = root / CHANGED
    files.make_folder(folder)
    (folder / name).touch()
    files.flush_folder(folder)
    return folder / name
