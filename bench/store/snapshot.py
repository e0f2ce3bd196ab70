"""Snapshot: what of a store is to be read from the trials' own folders, and what from the compact files.

A trial that is in no part is read from its folder. A compacted one is read from its part, unless a mark says that
something newer was written; then its folder adds what the part doesn't have. Compaction removes loose files only
after it published the manifest that has their rows, so a look at the folders is right if the manifest is still the
same afterwards.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass

from bench.store import manifest, marks
from bench.store.folder import ATTEMPTS, HISTORY, LATER, MEASURES, RECORD, record_name
from bench.store.layout import Store


@dataclass(frozen=True)
class Snapshot:
    """How the trials of a store are to be read."""

    manifest: manifest.Manifest
    new: list[str]
    """Trials that aren't compacted."""
    changed: dict[str, int]
    """Compacted trials with something newer → how many of their attempts are compacted."""

    @property
    def loose(self) -> list[str]:
        """Trials of which anything is read from their folders."""
        return [*self.new, *self.changed]


def take(store: Store, only: Collection[str] | None = None) -> Snapshot:
    """Look at the store, or at those of its trials that are asked for."""
    live = manifest.current(store.root)
    names = [folder.trial_id for folder in store.folders()]
    if only is not None:
        wanted = set(only)
        names = [name for name in names if name in wanted]
    if not live.parts:
        return Snapshot(live, names, {})
    left = marks.left(store.root)
    held = manifest.held_attempts(live, [*names, *(mark.trial_id for mark in left)])
    changed = {
        mark.trial_id: held[mark.trial_id]
        for mark in left
        if mark.trial_id in held and (mark.attempt is None or mark.attempt > held[mark.trial_id])
    }
    return Snapshot(live, [name for name in names if name not in held], changed)


def find_loose(store: Store, snapshot: Snapshot, tables: Collection[str]) -> dict[str, list[str]]:
    """The Parquet files of the snapshot's loose trials, of those of the three tables that are asked for."""
    attempts: list[str] = []
    trials = str(store.trials)
    # Strings, not paths: there may be tens of thousands.
    for trial_id in snapshot.loose if "attempts" in tables else ():
        attempts += _attempts(f"{trials}/{trial_id}/{ATTEMPTS}", snapshot.changed.get(trial_id, 0))
    found = {"attempts": attempts}
    for table, name in (("history", HISTORY), ("measures", MEASURES)):
        paths = (f"{trials}/{trial_id}/{name}" for trial_id in snapshot.loose) if table in tables else ()
        found[table] = [path for path in paths if os.path.exists(path)]
    for trial_id in snapshot.loose if "measures" in tables else ():
        found["measures"] += _parquet(f"{trials}/{trial_id}/{LATER}")
    return found


def _parquet(folder: str) -> list[str]:
    try:
        names = os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [f"{folder}/{name}" for name in sorted(names) if name.endswith(".parquet") and not name.startswith(".")]


def _attempts(folder: str, held: int) -> list[str]:
    try:
        names = os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
    numbers = sorted(int(found[1]) for name in names if (found := RECORD.fullmatch(name)))
    return [f"{folder}/{record_name(number)}" for number in numbers if number > held]
