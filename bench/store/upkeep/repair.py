"""Repair: restore what is recorded elsewhere too, and set the rest of a damaged store aside to run again.

A part says most things twice: `results` and `index` follow from its other tables, the attempts and measures that count
stand in `results`, and what a trial is, in its folder. A part that lost a file is written anew from the others. Nothing
is deleted: damaged files go to `damaged/`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from bench.measures.names import quantity_of
from bench.store import sql
from bench.store.attempt import ATTEMPT_SCHEMA
from bench.store.compacted import manifest, part
from bench.store.compacted.manifest import FOLDED, Manifest
from bench.store.damage import Damaged
from bench.store.files import plain
from bench.store.folder import COMPACT, StoreError
from bench.store.outputs import damaged_outputs
from bench.store.read import loose
from bench.store.read.loose import parquet
from bench.store.read.snapshot import Snapshot, find_loose
from bench.store.read.tables import make_results
from bench.store.read.trial_rows import load_trials
from bench.store.results import HISTORY_SCHEMA, MEASURES_SCHEMA
from bench.store.state import set_aside_damaged
from bench.store.store import HEADER, Store, read_header, write_header
from bench.store.upkeep.check import damaged_parts, left_by_killed
from bench.store.upkeep.compact import publish_part
from bench.store.upkeep.workspace import remove_left

if TYPE_CHECKING:
    import duckdb

_SCHEMA = "repair"


@dataclass
class Repaired:
    """What a repair did."""

    restored: int = 0
    """Trials of damaged parts that are whole again."""
    without_history: int = 0
    """How many of these have lost their history."""
    given_up: int = 0
    """Trials that run again."""


def repair(store: Store) -> Repaired:
    """Restore or set aside everything that is damaged, except later measures, which are simply taken again."""
    done = Repaired()
    _header(store)
    _manifests(store)
    damaged = damaged_parts(manifest.current(store.root))
    for path, reason in damaged.items():
        if not plain.is_damage(reason):
            raise StoreError(f"{path}: {reason}; nothing was repaired but manifests")
    for name in {path.name.partition("-")[0] for path in damaged}:
        lost = [path for path in damaged if path.name.startswith(name)]
        _part(store, name, {path.stem.partition("-")[2] for path in lost}, done)
        _put_away(store, lost)
    aside = set_aside_damaged(store, store.trial_ids())
    outputs = {path: reason for folder in store.folders() for path, reason in damaged_outputs(folder).items()}
    if lost := [path for path, reason in outputs.items() if plain.is_damage(reason)]:
        _put_away(store, lost)
    done.given_up += len({path.relative_to(store.trials).parts[0] for path in aside})
    return done


def remove_leftovers(store: Store) -> int:
    """Remove what killed processes left; how many files and folders."""
    found = left_by_killed(store)
    remove_left(store)
    for path in found:
        # A workspace is gone by now; somebody else's file may not be ours to remove.
        with suppress(OSError):
            path.unlink()
    return sum(not os.path.lexists(path) for path in found)


def _header(store: Store) -> None:
    try:
        read_header(plain.read(store.root / HEADER))
    except ValueError:
        write_header(store.root)


def _manifests(store: Store) -> None:
    """Put damaged manifests away; of the newest, make another of the parts that are there."""
    folder = store.root / COMPACT
    generations = manifest.generations_of(folder)
    for generation in generations:
        try:
            manifest.load(folder, generation)
        except FileNotFoundError:
            continue
        except Damaged as error:
            if generation == generations[-1]:
                _rebuild(store, generation, _bytes(error.path))
            _put_away(store, [error.path])
            # Keep the name taken, so that a process that was suspended meanwhile can't publish under it.
            manifest.empty(error.path)


def _rebuild(store: Store, generation: int, text: bytes) -> None:
    older, _ = manifest.readable(store.root)
    folder = older.folder
    there = {name.partition("-")[0] for name in plain.names(folder) if name.endswith("-index.parquet")}
    there = {name for name in there if all((folder / _file(name, table)).exists() for table in FOLDED)}
    whole = {name: ids for name in there if (ids := _ids(folder, name))}
    # Those that it names, then any other that was written since the one before, and at last what that had: of parts
    # that share a trial, one absorbed the other.
    ranked = sorted(whole, key=lambda name: (name.encode() not in text, name in older.parts, -len(whole[name])))
    parts: dict[str, int] = {}
    taken: set[str] = set()
    for name in ranked:
        if taken.isdisjoint(whole[name]):
            parts[name] = len(whole[name])
            taken |= whole[name]
    names = [_file(name, table) for name in parts for table in FOLDED]
    found = Manifest(folder, generation, parts, {file: (folder / file).stat().st_size for file in names})
    found.publish(parts, found.sizes, part.digests_of(found))


def _bytes(path: Path) -> bytes:
    try:
        return plain.read(path)
    except plain.NotPlain:
        return b""


def _file(name: str, table: str) -> str:
    return f"{name}-{table}.parquet"


def _ids(folder: Path, name: str) -> set[str]:
    path = folder / _file(name, "index")
    return (
        set() if loose.damaged_files([path]) else set(pq.read_table(path, columns=["trial_id"])["trial_id"].to_pylist())
    )


def _part(store: Store, name: str, lost: set[str], done: Repaired) -> None:
    """Write a part anew without the tables that it lost, or give its trials up."""
    live = manifest.current(store.root)
    trial_ids = manifest.trials_of(live, name)
    restored: set[str] = set()
    if not trial_ids or {"attempts", "results"} <= lost or {"measures", "results"} <= lost:
        kept = live.without({name})
        kept.publish(kept.parts, kept.sizes, part.digests_of(kept))
    else:
        with sql.opened() as connection:
            connection.execute(f"CREATE SCHEMA {_SCHEMA}")
            _load(connection, store, live, name, lost, trial_ids)
            written = part.write(connection, live, lambda table: f"SELECT * FROM {_SCHEMA}.loose_{table}")
            found = connection.execute(f"SELECT trial_id FROM {_SCHEMA}.loose_trials").fetchall()
            epochs = connection.execute(f"SELECT count(DISTINCT trial_id) FROM {_SCHEMA}.loose_history").fetchall()
        publish_part(live, written, [name])
        restored = {trial_id for (trial_id,) in found}
        done.restored += len(restored)
        done.without_history += len(restored) - epochs[0][0] if "history" in lost else 0
    done.given_up += live.parts[name] - len(restored)
    for folder in map(store.folder, trial_ids - restored):
        if folder.path.exists() and not any(folder.attempts.glob("*.parquet")):
            store.set_aside(folder.path)


def _load(
    connection: duckdb.DuckDBPyConnection, store: Store, live: Manifest, name: str, lost: set[str], ids: set[str]
) -> None:
    """All tables of a part, those that it lost from wherever else they are."""
    rows = {table: f"SELECT * FROM {parquet([str(live.path(name, table))])}" for table in FOLDED}
    for table in {"trials", "attempts", "history", "measures"} - lost:
        connection.execute(f"CREATE TABLE {_SCHEMA}.loose_{table} AS {rows[table]}")
    if "trials" in lost:
        load_trials(connection, f"{_SCHEMA}.loose_trials", store, ids)
    if "attempts" in lost:
        taken = set(_columns(connection, f"FROM {_SCHEMA}.loose_trials")) - {"trial_id"}
        renamed = {name: f"{name}_1" if name in taken else name for name in ATTEMPT_SCHEMA}
        columns = (f"{sql.name(there)} AS {sql.name(name)}" for name, there in renamed.items())
        connection.execute(
            f"CREATE TABLE {_SCHEMA}.loose_attempts AS SELECT {', '.join(columns)} FROM ({rows['results']}) "
            "WHERE outcome IS NOT NULL"
        )
    if "measures" in lost:
        _measures(connection, rows["results"])
    if "history" in lost:
        loose.create(connection, f"{_SCHEMA}.loose_history", HISTORY_SCHEMA)
        paths = find_loose(store, Snapshot(live, list(ids), {}), ["history"])["history"]
        loose.insert(connection, f"{_SCHEMA}.loose_history", HISTORY_SCHEMA, paths)
    kept = f"DELETE FROM {_SCHEMA}.loose_{{}} WHERE trial_id NOT IN (SELECT trial_id FROM {_SCHEMA}.loose_trials)"
    for table in ("attempts", "history", "measures"):
        connection.execute(kept.format(table))
    make_results(connection, _SCHEMA)


def _measures(connection: duckdb.DuckDBPyConnection, results: str) -> None:
    """The measures of done trials, from the columns that they have in `results`."""
    loose.create(connection, f"{_SCHEMA}.loose_measures", MEASURES_SCHEMA)
    others = {*_columns(connection, f"FROM {_SCHEMA}.loose_trials"), *ATTEMPT_SCHEMA}
    others |= {f"{name}_1" for name in others}
    for name in (name for name in _columns(connection, results) if name not in others):
        measure, settings = quantity_of(name)
        connection.execute(
            f"""INSERT INTO {_SCHEMA}.loose_measures (trial_id, measure, settings, value)
            SELECT trial_id, $measure, $settings, {sql.name(name)}
            FROM ({results}) WHERE {sql.name(name)} IS NOT NULL""",
            {"measure": measure, "settings": settings},
        )


def _columns(connection: duckdb.DuckDBPyConnection, rows: str) -> list[str]:
    return [column[0] for column in connection.execute(f"{rows} LIMIT 0").description]


def _put_away(store: Store, paths: Iterable[Path]) -> None:
    for path in paths:
        if os.path.lexists(path):
            store.set_aside(path)
