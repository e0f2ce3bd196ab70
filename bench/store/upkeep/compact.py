"""Compact: fold trials that are over into a few large Parquet files, while workers go on.

In this order, so that it may be killed anywhere: write the new part under names that no manifest has, read it back,
publish the next manifest, only then remove the loose files that it replaces. Small parts are absorbed by the new
one, so that there are never more than about log₂ of them. Only what a done trial has is removed, since nobody
writes there again; a failed or pruned one keeps its loose files, because it may be tried again at any time. Claims,
logs, weights, outputs and `trial.json` stay where they are.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.store import files, sql
from bench.store.attempt import SUPERSEDED
from bench.store.claims.claim import last_number
from bench.store.compacted import manifest, marks, part
from bench.store.compacted.manifest import Manifest
from bench.store.read import snapshot
from bench.store.read.snapshot import Snapshot
from bench.store.read.tables import TABLES, load_loose, relation
from bench.store.store import Store
from bench.store.upkeep.clean import clean
from bench.store.upkeep.workspace import workspace

if TYPE_CHECKING:
    import duckdb

GOES_ON = frozenset({"preempted", "timeout", SUPERSEDED})
"""Ends of attempts after which the trial is to go on."""
SETTLED = 60.0
"""Seconds after which measures that were announced are written, or never will be."""
MANY = 300
"""Number of loose trials from which `run` compacts at its end."""

_SCHEMA = "fold"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Folded:
    """What a compaction did."""

    trials: int = 0
    """Trials that were folded."""
    removed: int = 0
    """Loose files that were removed."""
    overtaken: bool = False
    """Whether another compaction ended first, so that this one left everything to it."""


def compact(store: Store, *, at_least: int = 1) -> Folded:
    """Fold the trials that are over, if there are `at_least` so many."""
    announced = [mark for mark in marks.left(store.root) if mark.attempt is None]
    look = snapshot.take(store)
    if len(look.loose) < at_least:
        return Folded(0, clean(store))
    manifest.require(look.manifest)
    files.make_folder(look.manifest.folder)
    with workspace(store, "compact") as place, sql.isolated(temp_directory=str(place / "spill")) as connection:
        damaged = load_loose(connection, _SCHEMA, store, look, TABLES)
        for path, reason in damaged.items():
            _log.warning("%s: damaged, its trial is not compacted: %s", path, reason)
        chosen = _over(connection, store) - {path.relative_to(store.trials).parts[0] for path in damaged}
        if len(chosen) < at_least:
            return Folded(0, clean(store))
        try:
            _publish(connection, store, _keep(connection, look, chosen))
        except FileExistsError:
            return Folded(overtaken=True)
    # Measures that were announced before the look, and longer ago than writing them takes, are in the new part.
    for mark in announced:
        if mark.trial_id in chosen:
            marks.remove(store.root, mark)
    return Folded(len(chosen), clean(store))


def _publish(connection: duckdb.DuckDBPyConnection, store: Store, new: Snapshot) -> None:
    """Write a new part with the loaded trials of `new`, and make it live; FileExistsError if another was faster."""
    live = new.manifest
    absorbed = _absorbed(live, len(new.loose), new.changed)
    written = part.write(connection, live, lambda table: relation(_SCHEMA, new, table, absorbed))
    expected = len(new.new) + sum(live.parts[name] for name in absorbed)
    if written.trials != expected:
        # Another compaction removes the loose files that this one was reading: it has published before.
        if manifest.current(store.root).generation != live.generation:
            raise FileExistsError(f"generation {live.generation + 1} of {live.folder}")
        raise RuntimeError(f"compaction wrote {written.trials} of {expected} trials; nothing was changed")
    publish_part(live, written, absorbed)


def publish_part(live: Manifest, written: part.Part, absorbed: Collection[str] = ()) -> Manifest:
    """Make a part live, in place of those that it absorbed; FileExistsError if another compaction came first."""
    kept = live.without(absorbed)
    try:
        return live.publish(
            {**kept.parts, written.name: written.trials},
            {**kept.sizes, **written.sizes},
            {**part.digests_of(kept), **written.digests},
        )
    except FileExistsError:
        part.discard(live, written)
        raise


def _over(connection: duckdb.DuckDBPyConnection, store: Store) -> set[str]:
    """The loaded trials that are over and known."""
    ends = connection.execute(
        f"""SELECT trial_id, max(attempt), arg_max(outcome, attempt)
        FROM {_SCHEMA}.loose_attempts SEMI JOIN {_SCHEMA}.loose_trials USING (trial_id) GROUP BY trial_id"""
    ).fetchall()
    # Claims are looked at after the records were read, so that a trial that was begun again meanwhile is noticed.
    found = {
        trial_id
        for trial_id, newest, outcome in ends
        if outcome not in GOES_ON and newest >= last_number(store.folder(trial_id))
    }
    return found - _being_measured(store)


def _keep(connection: duckdb.DuckDBPyConnection, look: Snapshot, trial_ids: Collection[str]) -> Snapshot:
    """The snapshot with only these of its loose trials, and the loaded tables with only their rows."""
    kept = {"ids": list(trial_ids)}
    for table in ("changed", *(f"loose_{table}" for table in TABLES)):
        statement = f"DELETE FROM {_SCHEMA}.{table} WHERE trial_id NOT IN (SELECT unnest($ids::VARCHAR[]))"
        connection.execute(statement, kept)
    new = [trial_id for trial_id in look.new if trial_id in trial_ids]
    return Snapshot(look.manifest, new, {name: held for name, held in look.changed.items() if name in trial_ids})


def _being_measured(store: Store) -> set[str]:
    now, found = store.now(), set()
    for mark in marks.left(store.root):
        if mark.attempt is None:
            with suppress(FileNotFoundError):
                if now - marks.path_of(store.root, mark).stat().st_mtime < SETTLED:
                    found.add(mark.trial_id)
    return found


def _absorbed(live: Manifest, trials: int, changed: Mapping[str, int]) -> list[str]:
    """Parts to write anew: those with a trial that changed, and those that are small beside the new one."""
    absorbed = manifest.parts_with(live, changed)
    total = trials + sum(live.parts[name] for name in absorbed)
    for name in sorted(set(live.parts) - set(absorbed), key=lambda name: live.parts[name]):
        if live.parts[name] > 2 * total:
            break
        absorbed.append(name)
        total += live.parts[name]
    return absorbed
