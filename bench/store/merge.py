"""Merge: bring the trials of several stores into one."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from bench.errors import UserError
from bench.store import manifest, part, snapshot
from bench.store.claim import last_number
from bench.store.compaction import publish_part
from bench.store.layout import Store
from bench.store.measured import Quantity, add_measure
from bench.store.query import connect
from bench.store.snapshot import Snapshot
from bench.store.state import open_attempt
from bench.store.tables import TABLES, load_loose, relation


@dataclass
class Merged:
    """What a merge did."""

    copied: int = 0
    """Trials that the target has now and hadn't before."""
    kept: int = 0
    """Trials that the target had already, and kept as they were."""
    running: int = 0
    """Trials that were left out, because a worker is at them."""
    measures: int = 0
    """Values that were taken after the training, of trials that the target had already."""


def merge(sources: Sequence[Store], target: Store) -> Merged:
    """Copy into `target` what it doesn't have; of a trial that several sources have, the first that is done.

    A trial that the target has is not touched, but gets what was measured later of the same model. May be repeated: it
    goes on where it was stopped.
    """
    if target.root.resolve() in {source.root.resolve() for source in sources}:
        raise UserError(f"--into {target.root}: is one of the stores to merge; name another")
    done = Merged()
    for source in sources:
        _merge_parts(source, target, done)
        _merge_folders(source, target, done, finished=True)
    for source in sources:
        _merge_folders(source, target, done, finished=False)
        _merge_measures(source, target, done)
    return done


def _merge_parts(source: Store, target: Store, done: Merged) -> None:
    """The compacted trials of a source as one part of the target, then their folders with weights and logs."""
    look = snapshot.take(source)
    own = snapshot.take(target)
    if not look.manifest.parts:
        return
    with duckdb.connect(":memory:") as connection:
        rows = connection.execute(
            "SELECT trial_id, done FROM read_parquet($paths)", {"paths": look.manifest.paths("index")}
        ).fetchall()
        there = set(own.new) | set(manifest.held_attempts(own.manifest, [trial_id for trial_id, _ in rows]))
        # What isn't done travels in its folder, where it can go on.
        wanted = [trial_id for trial_id, is_done in rows if is_done and trial_id not in there]
        done.kept += sum(is_done and trial_id in there for trial_id, is_done in rows)
        if not wanted:
            return
        (target.root / "compact").mkdir(exist_ok=True)
        load_loose(connection, "source", source, Snapshot(look.manifest, [], look.changed), TABLES)
        connection.execute("CREATE TABLE wanted AS SELECT unnest($ids::VARCHAR[]) AS trial_id", {"ids": wanted})

        def chosen(table: str) -> str:
            whole = relation("source", look, table, look.manifest.parts)
            return f"SELECT * FROM ({whole}) WHERE trial_id IN (FROM wanted)"

        written = part.write(connection, target.root / "compact", chosen)
    if written.trials != len(wanted):
        raise RuntimeError(f"wrote {written.trials} of {len(wanted)} trials; {target.root} was not changed")
    publish_part(manifest.current(target.root), written)
    for trial_id in wanted:
        _copy_folder(source, target, trial_id)
    done.copied += len(wanted)


def _merge_folders(source: Store, target: Store, done: Merged, *, finished: bool) -> None:
    """The other trials, each folder whole: those that are done, or all others."""
    live = manifest.current(source.root)
    with connect(source, ["attempts"]) as connection:
        rows = connection.execute("SELECT DISTINCT trial_id FROM attempts WHERE outcome = 'done'").fetchall()
    finished_ids = {trial_id for (trial_id,) in rows}
    folders = [folder for folder in source.folders() if (folder.trial_id in finished_ids) == finished]
    folded = manifest.done_trials(live, [folder.trial_id for folder in folders])
    for folder in folders:
        trial_id = folder.trial_id
        if trial_id in folded:
            # A merge that was stopped may not have come to its weights and log.
            _copy_folder(source, target, trial_id)
        elif open_attempt(source, folder) is not None:
            done.running += 1
        elif target.folder(trial_id).path.exists() or manifest.current(target.root).attempts(trial_id):
            done.kept += 1
        elif last_number(folder) or folder.trial.exists():
            _copy_folder(source, target, trial_id)
            done.copied += 1


def _merge_measures(source: Store, target: Store, done: Merged) -> None:
    """What the target lacks of trials that it has from the same training: two trainings' models may differ."""
    trained = "SELECT trial_id, attempt, started, host, pid FROM {}.attempts WHERE outcome = 'done'"
    taken = "SELECT trial_id, measure, settings{} FROM {}.measures"
    sql = f"""{taken.format(", value", "store_0")} SEMI JOIN (
            {trained.format("store_0")} INTERSECT {trained.format("store_1")}) USING (trial_id)
        ANTI JOIN ({taken.format("", "store_1")}) USING (trial_id, measure, settings)"""
    with connect([source, target], ["attempts", "measures"]) as connection:
        lacking = connection.execute(sql).fetchall()
    for trial_id, measure, settings, value in lacking:
        done.measures += add_measure(target.folder(trial_id), Quantity(measure, settings), value)


def _copy_folder(source: Store, target: Store, trial_id: str) -> None:
    """Copy a folder under a temporary name and rename it, so that it is there whole or not at all."""
    origin, place = source.folder(trial_id).path, target.folder(trial_id).path
    if place.exists() or not origin.exists():
        return
    temporary = target.root / f".tmp-{uuid.uuid4().hex}"
    try:
        shutil.copytree(origin, temporary)
        for path in temporary.rglob("*"):
            if path.is_file():
                _flush(path)
        os.rename(temporary, place)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
