"""Forget: delete trials from a store, with everything measured and kept for them.

In this order, so that it may be killed anywhere and repeated: a manifest without the trials is published, then each
folder is moved away in one step. What is left of a killed one is trials without results, which are still there to be
forgotten.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from bench.errors import UserError
from bench.store import files, sql
from bench.store.claims.lease import is_leased
from bench.store.compacted import manifest, marks, part
from bench.store.compacted.manifest import Manifest
from bench.store.files import plain
from bench.store.folder import SUPERSEDED, superseded_trial
from bench.store.read.loose import parquet
from bench.store.state import open_attempt
from bench.store.store import Store
from bench.store.upkeep.compact import publish_part
from bench.store.upkeep.workspace import workspace

_TRIES = 20


def in_use(store: Store, trial_ids: Collection[str]) -> dict[str, str]:
    """Trials that can't be forgotten now, and why."""
    found = {}
    for folder in map(store.folder, trial_ids):
        if obstacle := folder.obstacle(to_write=True):
            found[folder.trial_id] = obstacle
        elif open_attempt(store, folder) is not None:
            found[folder.trial_id] = "a worker is at it: `sambench cancel` stops it"
        elif folder.path.exists() and is_leased(store, folder):
            found[folder.trial_id] = "it is being measured"
    return found


def forget(store: Store, trial_ids: Collection[str]) -> None:
    """Take these trials out, none of which is in use."""
    with workspace(store, "forget") as place:
        _publish_without(store, trial_ids)
        for folder in map(store.folder, trial_ids):
            with suppress(FileNotFoundError):
                os.rename(folder.path, place / folder.trial_id)
        files.flush_folder(store.trials)
        # Once more: a compaction that read the folders before is now too late to publish what it read.
        _publish_without(store, trial_ids)
        _move_kept(store, trial_ids, place)
        for mark in marks.left(store.root):
            if mark.trial_id in trial_ids:
                marks.remove(store.root, mark)


def _move_kept(store: Store, trial_ids: Collection[str], place: Path) -> None:
    """What earlier trainings of the trials left."""
    kept = store.root / SUPERSEDED
    for name in plain.names(kept):
        if superseded_trial(name) in trial_ids:
            with suppress(FileNotFoundError):
                os.rename(kept / name, place / name)


def _publish_without(store: Store, trial_ids: Collection[str]) -> None:
    """Publish the next manifest, which has none of the trials."""
    for _ in range(_TRIES):
        live = manifest.current(store.root)
        manifest.require(live)
        try:
            _publish(live, trial_ids)
        except FileExistsError:
            continue  # A compaction ended first.
        return
    raise UserError(f"store {store.root}: compacted over and over; forget the trials when that is over")


def _publish(live: Manifest, trial_ids: Collection[str]) -> None:
    files.make_folder(live.folder)
    held = manifest.held_attempts(live, trial_ids)
    absorbed = manifest.parts_with(live, held)
    kept = live.without(absorbed)
    if sum(live.parts[name] for name in absorbed) == len(held):
        kept.publish(kept.parts, kept.sizes, kept.digests)
        return
    with sql.opened() as connection:
        connection.execute("CREATE TABLE gone AS SELECT unnest($ids::VARCHAR[]) AS trial_id", {"ids": list(held)})

        def rows(table: str) -> str:
            return f"SELECT * FROM {parquet(live.paths(table, absorbed))} WHERE trial_id NOT IN (FROM gone)"

        written = part.write(connection, live, rows)
    expected = sum(live.parts[name] for name in absorbed) - len(held)
    if written.trials != expected:
        raise UserError(f"wrote {written.trials} of {expected} trials of {live.folder}; nothing was changed")
    publish_part(live, written, absorbed)
