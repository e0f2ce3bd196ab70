"""Merge: bring the trials of several stores into one.

A done trial comes before one that isn't, whichever was there first. What a merge copies, it writes to a workspace of
the target, so that a folder is there whole or not at all, and that nothing is left of a merge that was killed.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.errors import UserError
from bench.store import declarations, files, sql
from bench.store.compacted import manifest, part
from bench.store.damage import leave_out
from bench.store.files import plain
from bench.store.folder import SUPERSEDED, superseded_trial
from bench.store.measured import Quantity, add_measure
from bench.store.read import snapshot
from bench.store.read.loose import parquet
from bench.store.read.query import connect
from bench.store.read.snapshot import Snapshot
from bench.store.read.tables import TABLES, load_loose, relation
from bench.store.state import open_attempt
from bench.store.store import Store
from bench.store.upkeep import copying
from bench.store.upkeep.clean import collect
from bench.store.upkeep.compact import publish_part
from bench.store.upkeep.copying import Compacted
from bench.store.upkeep.workspace import workspace

_TRIES = 5
"""Times that a source is looked at again, because a compaction of it or of the target came between."""


@dataclass
class Merged:
    """What a merge did."""

    copied: int = 0
    """Trials that the target has now and hadn't before."""
    replaced: int = 0
    """Trials that weren't done in the target, and are now."""
    kept: int = 0
    """Trials that the target had already, and kept as they were."""
    running: int = 0
    """Trials that were left out, because a worker or a compaction is at them."""
    other_code: int = 0
    """Trials that are done in the source too, by other code than in the target, whose result stays."""
    measures: int = 0
    """Values that were taken after the training, of trials that the target had already."""


def merge(sources: Sequence[Store], target: Store) -> Merged:
    """Copy into `target` what it doesn't have; of a trial that several sources have, the first that is done.

    A trial that isn't done in the target is replaced by one that is. Another that the target has is not touched, but
    gets what was measured later of the same model. May be repeated: it goes on where it was stopped.
    """
    if target.root.resolve() in {source.root.resolve() for source in sources}:
        raise UserError(f"--into {target.root}: is one of the stores to merge; name another")
    for store in (*sources, target):
        # Otherwise the trials of a damaged part would count as not done.
        manifest.require(manifest.current(store.root))
    done = Merged()
    with workspace(target, "merge") as place:
        for source in sources:
            # First, so that there is never a trial whose settings can't be read.
            declarations.copy(source, target)
        for source in sources:
            _merge_done(source, target, place, done)
        for source in sources:
            _merge_others(source, target, place, done)
            _merge_measures(source, target, done)
            _merge_superseded(source, target, place)
    collect(target, manifest.current(target.root))
    return done


def _merge_done(source: Store, target: Store, place: Path, done: Merged) -> None:
    """The trials that are done in the source: compacted ones as one part, then every one's folder."""
    there = set(target.trial_ids())
    ours, theirs = _done(target), _done(source)
    wanted = theirs.keys() - ours.keys()
    running = {trial_id for trial_id in wanted & there if open_attempt(target, target.folder(trial_id)) is not None}
    wanted -= running
    there |= manifest.held_attempts(manifest.current(target.root), wanted).keys()
    left = wanted
    for _ in range(_TRIES):
        left = _bring(source, target, left, place)
        if not left:
            break
    kept = theirs.keys() & ours.keys()
    done.other_code += _by_other_code(source, target) if kept else 0
    before = copying.compacted(manifest.current(source.root), kept)
    for trial_id in sorted(kept):
        # A merge that was stopped may not have come to its weights and log.
        if ours[trial_id] == theirs[trial_id] and not copying.has_attempt(target, trial_id, ours[trial_id][0]):
            copying.replace(source, target, trial_id, place, before)
    done.copied += len(wanted - left - there)
    done.replaced += len((wanted - left) & there)
    done.kept += len(kept)
    done.running += len(running | left)


def _bring(source: Store, target: Store, wanted: set[str], place: Path) -> set[str]:
    """Bring done trials over; those that the source compacted meanwhile are left, to be brought as part of a part."""
    for _ in range(_TRIES):
        try:
            before = _merge_parts(source, target, wanted)
            break
        except FileExistsError:
            continue  # Another compaction ended first.
    else:
        raise UserError(f"{source.root} or {target.root}: compacted over and over; merge again when that is over")
    return {trial_id for trial_id in sorted(wanted) if not copying.replace(source, target, trial_id, place, before)}


def _done(store: Store) -> dict[str, tuple[object, ...]]:
    """Done trial → number, start, machine and process of the attempt: what tells two trainings apart."""
    columns = ["attempt", "started", "host", "pid"]
    with connect(store, ["attempts"]) as connection:
        rows = connection.execute(
            f"SELECT trial_id, {', '.join(columns)} FROM attempts WHERE outcome = 'done' AND NOT superseded"
        )
        return {trial_id: tuple(attempt) for trial_id, *attempt in rows.fetchall()}


def _by_other_code(source: Store, target: Store) -> int:
    """Trials that are done in both, by different code."""
    made = "SELECT trial_id, code FROM {}.attempts WHERE outcome = 'done' AND NOT superseded AND code IS NOT NULL"
    both = f"({made.format('store_0')}) ours JOIN ({made.format('store_1')}) theirs USING (trial_id)"
    with connect([source, target], ["attempts"]) as connection:
        (count,) = connection.execute(f"SELECT count(*) FROM {both} WHERE ours.code != theirs.code").fetchall()[0]
    return int(count)


def _merge_parts(source: Store, target: Store, trial_ids: Collection[str]) -> Compacted:
    """Those of the trials that either store has compacted, as one part of the target; FileExistsError if overtaken.

    Returns what the source has compacted of them.
    """
    look, live = snapshot.take(source), manifest.current(target.root)
    held = manifest.held_attempts(live, trial_ids)
    before = copying.compacted(look.manifest, trial_ids)
    chosen = sorted(before.attempts.keys() | held.keys())
    if not chosen:
        return before
    files.make_folder(live.folder)
    absorbed = manifest.parts_with(live, held)
    with sql.opened() as connection:
        read = Snapshot(look.manifest, [name for name in chosen if name not in before.attempts], look.changed)
        # Damaged trials are not merged, and are logged.
        damaged = load_loose(connection, "source", source, read, TABLES)
        leave_out(source, damaged)
        lost = {path.relative_to(source.trials).parts[0] for path in damaged}
        chosen = [name for name in chosen if name not in lost]
        connection.execute("CREATE TABLE wanted AS SELECT unnest($ids::VARCHAR[]) AS trial_id", {"ids": chosen})

        def rows(table: str) -> str:
            whole = relation("source", read, table, look.manifest.parts)
            new = f"SELECT * FROM ({whole}) WHERE trial_id IN (FROM wanted)"
            if not absorbed:
                return new
            old = f"SELECT * FROM {parquet(live.paths(table, absorbed))} WHERE trial_id NOT IN (FROM wanted)"
            return f"{new} UNION ALL BY NAME {old}"

        written = part.write(connection, live, rows)
    expected = len(chosen) + sum(live.parts[name] for name in absorbed) - len(held)
    if written.trials != expected:
        raise UserError(
            f"wrote {written.trials} of {expected} trials of {source.root}; {target.root} was not changed: "
            f"`sambench store check --store {source.root}` tells what is damaged"
        )
    if read.new and manifest.current(source.root).generation != before.generation:
        # Files of loose trials may have been removed before they were read.
        part.discard(live, written)
        raise FileExistsError(source.root)
    publish_part(live, written, absorbed)
    return before


def _merge_others(source: Store, target: Store, place: Path, done: Merged) -> None:
    """The trials that aren't done, each folder whole."""
    before = copying.compacted(manifest.current(source.root), source.trial_ids())
    finished, live = _done(source), manifest.current(target.root)
    others = [folder for folder in source.folders() if folder.trial_id not in finished]
    held = manifest.held_attempts(live, [folder.trial_id for folder in others])
    for folder in others:
        if folder.obstacle() is None and open_attempt(source, folder) is not None:
            done.running += 1
        elif target.folder(folder.trial_id).path.exists() or folder.trial_id in held:
            done.kept += 1
        else:
            done.copied += copying.copy(source, target, folder.trial_id, place, before)


def _merge_measures(source: Store, target: Store, done: Merged) -> None:
    """What the target lacks of trials that it has from the same training: two trainings' models may differ."""
    trained = "SELECT trial_id, attempt, started, host, pid FROM {}.attempts WHERE outcome = 'done' AND NOT superseded"
    taken = "SELECT trial_id, measure, settings{} FROM {}.measures"
    sql = f"""{taken.format(", value, counts, code", "store_0")} SEMI JOIN (
            {trained.format("store_0")} INTERSECT {trained.format("store_1")}) USING (trial_id)
        ANTI JOIN ({taken.format("", "store_1")}) USING (trial_id, measure, settings)"""
    with connect([source, target], ["attempts", "measures"]) as connection:
        lacking = connection.execute(sql).fetchall()
    for trial_id, measure, settings, value, counts, code in lacking:
        counted = json.loads(counts) if counts else None
        folder, quantity = target.folder(trial_id), Quantity(measure, settings)
        done.measures += add_measure(folder, quantity, value, counts=counted, code=code)


def _merge_superseded(source: Store, target: Store, place: Path) -> None:
    """What earlier trainings left of the trials that the target has from the same training."""
    ours, theirs = _done(target), _done(source)
    for name in sorted(plain.names(source.root / SUPERSEDED) - plain.names(target.root / SUPERSEDED)):
        trial_id = superseded_trial(name)
        if trial_id in ours and ours[trial_id] == theirs.get(trial_id):
            copying.copy_kept(source.root / SUPERSEDED / name, target.root / SUPERSEDED / name, place)
