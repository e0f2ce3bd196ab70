"""Copying: one trial's folder from a store to another, all or nothing.

A compaction of the source removes what it has folded, also while it is being copied. Such a copy is thrown away: what
it lacks is in the compact files by then.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NamedTuple

from bench.store import files
from bench.store.claims.claim import last_number
from bench.store.compacted import manifest, marks
from bench.store.compacted.manifest import Manifest
from bench.store.files import plain
from bench.store.folder import TrialFolder
from bench.store.store import Store


class Compacted(NamedTuple):
    """What a source had compacted before anything was copied."""

    generation: int
    attempts: Mapping[str, int]
    """Trial → how many of its attempts."""


def compacted(live: Manifest, trial_ids: Collection[str]) -> Compacted:
    """What a generation has of these trials."""
    return Compacted(live.generation, manifest.held_attempts(live, trial_ids))


def has_attempt(store: Store, trial_id: str, number: object) -> bool:
    """Whether a trial's folder is that of a training that came to attempt `number`."""
    folder = store.folder(trial_id)
    return folder.obstacle() is None and isinstance(number, int) and folder.claim(number).exists()


def copy(source: Store, target: Store, trial_id: str, place: Path, before: Compacted) -> bool:
    """Copy a folder that the target doesn't have, by way of `place`; whether there is anything whole to copy."""
    new = _gather(source.folder(trial_id), place / trial_id, files.folder_mode(target.trials))
    if new is None or not _is_whole(source, new, before):
        return False
    os.rename(new, target.folder(trial_id).path)
    files.flush_folder(target.trials)
    return True


def replace(source: Store, target: Store, trial_id: str, place: Path, before: Compacted) -> bool:
    """Put the source's folder in the place of the target's; what that had of its own is set aside.

    Whether that is done, and not to be tried again with what the source has compacted by now.
    """
    old = target.folder(trial_id)
    new = _gather(source.folder(trial_id), place / trial_id, files.folder_mode(target.trials))
    if new is None:
        return True
    if not _is_whole(source, new, before):
        return False
    newest = last_number(TrialFolder(new))
    if old.path.exists():
        # Readers and a compaction that looked before are to look into the folder again.
        for number in range(2, newest + 1):
            marks.mark_attempt(target.root, trial_id, number)
        if _is_earlier(old, TrialFolder(new)):
            os.rename(old.path, place / f"{trial_id}-earlier")
        else:
            target.set_aside(old.path)
    os.rename(new, old.path)
    files.flush_folder(target.trials)
    for mark in marks.left(target.root):
        if mark.trial_id == trial_id and (mark.attempt or 0) > newest:
            marks.remove(target.root, mark)
    return True


def _is_whole(source: Store, new: Path, before: Compacted) -> bool:
    """Whether no compaction of the source was at the trial while it was copied; else the copy is removed."""
    live = manifest.current(source.root)
    if live.generation == before.generation or live.attempts(new.name) == before.attempts.get(new.name, 0):
        return True
    shutil.rmtree(new)
    return False


def copy_kept(origin: Path, target: Path, place: Path) -> None:
    """Copy a file or folder that is kept of an earlier training, by way of `place`."""
    files.make_folder(target.parent)
    if origin.is_dir():
        _copy_into(origin, place / origin.name, files.folder_mode(target.parent))
    else:
        _copy_file(origin, place / origin.name)
        os.chmod(place / origin.name, files.file_mode(target.parent))
    os.rename(place / origin.name, target)
    files.flush_folder(target.parent)


def _is_earlier(old: TrialFolder, new: TrialFolder) -> bool:
    """Whether all attempts of the one are attempts of the other: a claim tells by whom and when it was made."""
    return all(
        plain.read(old.claim(number)) == plain.read(new.claim(number))
        if new.claim(number).exists()
        else not old.claim(number).exists()
        for number in range(1, last_number(old) + 1)
    )


def _gather(origin: TrialFolder, place: Path, mode: int) -> Path | None:
    """A copy of the folder at `place`, without links, flushed; None if there is none that may be read."""
    if origin.obstacle() is not None or not origin.path.exists():
        return None
    _copy_into(origin.path, place, mode)
    return place


def _copy_into(origin: Path, place: Path, mode: int) -> None:
    place.mkdir()
    os.chmod(place, mode)
    for name in sorted(plain.names(origin)):
        if name.startswith(".tmp-"):
            continue
        if (origin / name).is_dir():
            _copy_into(origin / name, place / name, mode)
        else:
            _copy_file(origin / name, place / name)
    files.flush_folder(place)


def _copy_file(origin: Path, place: Path) -> None:
    try:
        opened = plain.open_file(origin)
    except FileNotFoundError:
        # What was compacted meanwhile is in the part, or in the next merge.
        return
    with opened as read, place.open("xb") as written:
        shutil.copyfileobj(read, written)
        written.flush()
        os.fchmod(written.fileno(), files.file_mode(place.parent))
        os.fsync(written.fileno())
