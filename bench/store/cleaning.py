"""Cleaning: remove what the live manifest has made superfluous, after a compaction or one that was killed.

Everything here may be stopped and repeated at any time, because nothing that is removed is read any more.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import duckdb

from bench.store import files, manifest, marks
from bench.store.damage import Damaged
from bench.store.layout import Store
from bench.store.manifest import Manifest
from bench.store.measured import Quantity, file_of

GRACE = 3600.0
"""Seconds that a file which no manifest names is kept: another compaction may just be writing it."""
_AT_ONCE = 8
"""Trials whose loose files are removed side by side."""


def clean(store: Store) -> int:
    """Remove what the live manifest has made superfluous; how many loose files. May be repeated at any time."""
    live = manifest.current(store.root)
    removed = 0
    _drop_marks(store, live)
    for name in live.parts:
        swept = live.folder / f"{name}.swept"
        if not swept.exists():
            manifest.require(live, ["index", "measures"])
            removed += _sweep(store, live.path(name, "index"), live.path(name, "measures"))
            files.write(swept, b"")
    _collect(store, live)
    return removed


def _drop_marks(store: Store, live: Manifest) -> None:
    """Remove the marks of attempts that are compacted."""
    left = [mark for mark in marks.left(store.root) if mark.attempt is not None]
    held = manifest.held_attempts(live, [mark.trial_id for mark in left])
    for mark in left:
        if mark.attempt is not None and mark.attempt <= held.get(mark.trial_id, 0):
            (store.root / "changed" / mark.name).unlink(missing_ok=True)


def _sweep(store: Store, index: Path, measures: Path) -> int:
    with duckdb.connect(":memory:") as connection:
        sql = "SELECT trial_id, attempts FROM read_parquet($path) WHERE done"
        done = connection.execute(sql, {"path": str(index)}).fetchall()
        later = _later(connection, measures)
    changed = {mark.trial_id for mark in marks.left(store.root)}

    def remove(trial: tuple[str, int]) -> int:
        trial_id, attempts = trial
        folder, removed = store.folder(trial_id), 0
        loose = [folder.history, folder.measures, *map(folder.attempt, range(1, attempts + 1))]
        if folder.later.exists():
            loose += [file_of(folder, quantity) for quantity in later.get(trial_id, ())]
        for path in loose:
            with suppress(FileNotFoundError):
                os.unlink(path)
                removed += 1
        return removed

    # On a shared file system each waits for the server.
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return sum(pool.map(remove, (trial for trial in done if trial[0] not in changed)))


def _later(connection: duckdb.DuckDBPyConnection, path: Path) -> dict[str, list[Quantity]]:
    """What the part has of each trial's measures: a file that isn't among them was written after it was made."""
    found: dict[str, list[Quantity]] = {}
    rows = connection.execute("SELECT trial_id, measure, settings FROM read_parquet($path)", {"path": str(path)})
    for trial_id, *quantity in rows.fetchall():
        found.setdefault(trial_id, []).append(Quantity(*quantity))
    return found


def _collect(store: Store, live: Manifest) -> None:
    """Remove files that no reader of this generation or the one before can need."""
    if not live.generation:
        return
    generations = manifest.generations_of(live.folder)
    kept = set()
    for generation in generations[-2:]:
        with suppress(FileNotFoundError, Damaged):
            parts = manifest.load(live.folder, generation).parts
            kept |= set(parts) | {f"manifest-{generation:08d}.json"}
    limit = store.now() - GRACE
    for path in live.folder.iterdir():
        name = path.name if path.name.startswith("manifest-") else path.name.partition("-")[0].partition(".")[0]
        with suppress(FileNotFoundError):
            if name not in kept and path.is_file() and path.stat().st_mtime < limit:
                path.unlink()
