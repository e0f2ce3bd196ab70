"""Snapshot: what to read from trial folders, and what from compacted files.

A trial that is in no part is read from its folder. A compacted one is read from its part, unless a mark says that
something newer was written; then its folder adds what the part doesn't have. Compaction removes loose files only after
it published the manifest that has their rows, so a look at the folders is right if the manifest is still the same
afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from bench.errors import counted
from bench.store.compacted import manifest, marks
from bench.store.damage import leave_out
from bench.store.files import plain
from bench.store.folder import ATTEMPTS, HISTORY, LATER, MEASURES, RECORD, record_name
from bench.store.store import Store

_LATER = re.compile(r"[0-9a-f]{16}\.parquet")


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


def take(store: Store, only: Collection[str] | None = None, *, tables: Collection[str] | None = None) -> Snapshot:
    """Look at the store, or at those of its trials that are asked for.

    Readers name the `tables` that they read: parts of which such a file is damaged are left out, with their trials.
    Without, anything damaged is an error, as it is for whoever goes on to write.
    """
    names = store.trial_ids()
    if only is not None:
        wanted = set(only)
        names = [name for name in names if name in wanted]
    if tables is None:
        live = manifest.current(store.root)
    else:
        live, lost = _whole_parts(store, {*tables, "index"}, only)
        names = [name for name in names if name not in lost]
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


def _whole_parts(
    store: Store, tables: Collection[str], only: Collection[str] | None
) -> tuple[manifest.Manifest, set[str]]:
    """The live parts whose files are whole, and the trials of the others."""
    live, damaged = manifest.readable(store.root)
    leave_out(store, damaged)
    faults = manifest.faults(live, tables)
    parts = {path.name.partition("-")[0] for path in faults}
    known = {part: manifest.trials_of(live, part) for part in parts}
    for path, reason in faults.items():
        trials = known[path.name.partition("-")[0]]
        if only is None or not trials or not trials.isdisjoint(only):
            leave_out(store, {path: f"{reason} ({counted(len(trials), 'trial') if trials else 'all trials'})"})
    return live.without(parts), set().union(*known.values())


def is_empty(store: Store) -> bool:
    """Whether it has no trial at all, which is told without DuckDB."""
    return not manifest.readable(store.root)[0].parts and not store.trial_ids()


def present(store: Store, trial_ids: Collection[str]) -> set[str]:
    """Those of the trials that the store has, in whatever state."""
    live, _ = _whole_parts(store, {"index"}, trial_ids)
    return {*filter(set(trial_ids).__contains__, store.trial_ids()), *manifest.held_attempts(live, trial_ids)}


def find_loose(store: Store, snapshot: Snapshot, tables: Collection[str]) -> dict[str, list[str]]:
    """Table → the Parquet files of the snapshot's loose trials, of those of the three tables that are asked for."""
    found: dict[str, list[str]] = {"attempts": [], "history": [], "measures": []}
    trials, lists = str(store.trials), not {"history", "measures"}.isdisjoint(tables)
    # Strings, not paths, and few calls: there may be tens of thousands.
    for trial_id in snapshot.loose:
        folder = f"{trials}/{trial_id}"
        names = _names(store, folder) if lists else ()
        if "attempts" in tables:
            found["attempts"] += _attempts(store, f"{folder}/{ATTEMPTS}", snapshot.changed.get(trial_id, 0))
        if "history" in tables and HISTORY in names:
            found["history"].append(f"{folder}/{HISTORY}")
        if "measures" in tables and MEASURES in names:
            found["measures"].append(f"{folder}/{MEASURES}")
        if "measures" in tables and LATER in names:
            later = sorted(filter(_LATER.fullmatch, _names(store, f"{folder}/{LATER}")))
            found["measures"] += [f"{folder}/{LATER}/{name}" for name in later]
    return found


def _names(store: Store, folder: str) -> set[str]:
    try:
        # Links and pipes too: reading them tells that they are none of the store's files.
        return plain.names(folder, odd=True)
    except OSError as error:
        # Somebody else's, or no folder: the others are read.
        leave_out(store, {Path(folder): plain.reason(error)})
        return set()


def _attempts(store: Store, folder: str, held: int) -> list[str]:
    """Records in a folder, without those that are compacted."""
    numbers = sorted(int(found[1]) for name in _names(store, folder) if (found := RECORD.fullmatch(name)))
    return [f"{folder}/{record_name(number)}" for number in numbers if number > held]
