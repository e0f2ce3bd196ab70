"""Clean: remove what the live manifest makes superfluous, after a finished or killed compaction.

Everything here may be stopped and repeated at any time, because nothing that is removed is read any more.
"""

from __future__ import annotations

import os
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from bench.store import files, sql
from bench.store.compacted import manifest, marks, part
from bench.store.compacted.manifest import Manifest
from bench.store.damage import Damaged
from bench.store.files import plain, temporary
from bench.store.measured import Quantity, file_of
from bench.store.store import Store

if TYPE_CHECKING:
    import duckdb

GRACE = 3600.0
"""Seconds that a file which no manifest names is kept: another compaction may just be writing it."""
_OURS = re.compile(r"(?:\.tmp-)?([0-9a-f]{12})(?:-\w+\.parquet|\.swept|\.writing)")
"""Files of a part; apart from temporary ones, anything else in the folder isn't ours."""
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
    collect(store, live)
    return removed


def _drop_marks(store: Store, live: Manifest) -> None:
    """Remove the marks of attempts that are compacted."""
    left = [mark for mark in marks.left(store.root) if mark.attempt is not None]
    held = manifest.held_attempts(live, [mark.trial_id for mark in left])
    for mark in left:
        if mark.attempt is not None and mark.attempt <= held.get(mark.trial_id, 0):
            marks.remove(store.root, mark)


def _sweep(store: Store, index: Path, measures: Path) -> int:
    with sql.opened() as connection:
        query = "SELECT trial_id, attempts FROM read_parquet($path) WHERE done"
        done = connection.execute(query, {"path": str(index)}).fetchall()
        later = _later(connection, measures)
    changed = {mark.trial_id for mark in marks.left(store.root)}

    def remove(trial: tuple[str, int]) -> int:
        trial_id, attempts = trial
        folder, removed = store.folder(trial_id), 0
        if folder.obstacle(to_write=True) or folder.later.is_symlink():
            # Somebody else's, or outside this store. What stays there is not read.
            return 0
        loose = [folder.history, folder.measures, *map(folder.attempt, range(1, attempts + 1))]
        if folder.later.exists():
            loose += [file_of(folder, quantity) for quantity in later.get(trial_id, ())]
        for path in loose:
            with suppress(FileNotFoundError):
                os.unlink(path)
                removed += 1
        for place in (folder.path, folder.attempts, folder.later):
            temporary.sweep(place, store.now)
        return removed

    # In parallel, because on a shared file system each removal waits for the server.
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return sum(pool.map(remove, (trial for trial in done if trial[0] not in changed)))


def _later(connection: duckdb.DuckDBPyConnection, path: Path) -> dict[str, list[Quantity]]:
    """What the part has of each trial's measures: a file that isn't among them was written after it was made."""
    found: dict[str, list[Quantity]] = {}
    rows = connection.execute("SELECT trial_id, measure, settings FROM read_parquet($path)", {"path": str(path)})
    for trial_id, *quantity in rows.fetchall():
        found.setdefault(trial_id, []).append(Quantity(*quantity))
    return found


def collect(store: Store, live: Manifest) -> None:
    """Remove files that no reader of this generation or the one before can need, and nobody can publish any more."""
    temporary.sweep(live.folder, store.now)
    if not live.generation:
        return
    limit = store.now() - GRACE
    parts: dict[str, list[Path]] = {}
    for name in plain.names(live.folder):
        if match := _OURS.fullmatch(name):
            parts.setdefault(match[1], []).append(live.folder / name)
    left = {name for name, paths in parts.items() if name not in live.parts and _is_left(live, name, paths, limit)}
    # Only now, because a part might have been published before its writer was looked at.
    newest = manifest.generations_of(live.folder)[-2:]
    try:
        kept = {name for generation in newest for name in manifest.load(live.folder, generation).parts}
    except (FileNotFoundError, Damaged):
        # Which parts a damaged one names, nobody knows until it is repaired.
        return
    for path in (path for name in left - kept for path in parts[name]):
        path.unlink(missing_ok=True)
    manifest.shorten(live.folder, newest[0], limit)


def _is_left(live: Manifest, name: str, paths: list[Path], limit: float) -> bool:
    """Whether nobody can publish a part that isn't live any more."""
    with suppress(FileNotFoundError):
        old = max(path.stat().st_mtime for path in paths) < limit
        given_up = part.is_given_up(live.folder, name, live.generation)
        # Without a mark it is of a version before there were any.
        return old and given_up is not False
    return False
