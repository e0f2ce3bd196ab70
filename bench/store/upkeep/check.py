"""Check: is every file of a store readable, every id right, every claim owned, and nothing left over?"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, NamedTuple

from bench.errors import counted
from bench.store import sql
from bench.store.claims.claim import last_number
from bench.store.claims.lease import is_dead, is_readable, read_holder
from bench.store.compacted import manifest
from bench.store.compacted.manifest import Manifest
from bench.store.damage import Damaged
from bench.store.files import plain, temporary
from bench.store.folder import COMPACT, SUPERSEDED, TRIAL_ID, TrialFolder
from bench.store.outputs import damaged_outputs
from bench.store.read.loose import damaged_files, parquet
from bench.store.read.query import connect
from bench.store.read.trial_rows import SCHEMA_COLUMN
from bench.store.results import MEASURES_SCHEMA, SUPERSEDED_SCHEMA
from bench.store.state import trial_damage
from bench.store.store import HEADER, Store, read_header
from bench.store.upkeep.workspace import left
from bench.trial import FIELDS, SCHEMA, Trial
from bench.trial.schemas import EARLIER, id_of

Kind = Literal["damaged", "wrong id", "stale claim", "orphan", "live claim", "unreadable", "other schema"]


class Finding(NamedTuple):
    """Something about a store that is worth reporting."""

    kind: Kind
    path: Path
    text: str

    @property
    def bad(self) -> bool:
        """Whether results are in doubt; other findings are informational."""
        return self.kind in ("damaged", "wrong id", "unreadable")


def check(store: Store) -> Iterator[Finding]:
    """Everything that is found, as it is found."""
    yield from _header(store)
    yield from _manifests(store)
    live, _ = manifest.readable(store.root)
    damaged = damaged_parts(live)
    yield from (Finding(_kind(reason), path, reason) for path, reason in damaged.items())
    whole = live.without({path.name.partition("-")[0] for path in damaged})
    yield from _compacted(whole)
    yield from _other_schemas(store)
    held = manifest.held_attempts(whole, store.trial_ids())
    for folder in store.folders():
        yield from _folder(store, folder, held.get(folder.trial_id, 0))
    for path, reason in damaged_files(sorted((store.root / SUPERSEDED).glob("*.parquet")), SUPERSEDED_SCHEMA).items():
        yield Finding(_kind(reason), path, reason)
    yield from _orphans(store, live)


def damaged_parts(live: Manifest) -> dict[Path, str]:
    """The compact files that aren't what was written, and what is wrong with each."""
    found = manifest.faults(live)
    unsealed = [live.folder / name for name in live.sizes if name not in live.digests]
    return found | damaged_files(path for path in unsealed if path not in found)


def _header(store: Store) -> Iterator[Finding]:
    path = store.root / HEADER
    try:
        read_header(plain.read(path))
    except (OSError, ValueError) as error:
        yield Finding("damaged", path, str(error))


def _manifests(store: Store) -> Iterator[Finding]:
    folder = store.root / COMPACT
    for generation in manifest.generations_of(folder):
        with suppress(FileNotFoundError):
            try:
                manifest.load(folder, generation)
            except Damaged as error:
                yield Finding("damaged", error.path, error.reason)


def _compacted(live: Manifest) -> Iterator[Finding]:
    """Compacted trials whose fields give another id."""
    for part in live.parts:
        path = live.path(part, "trials")
        with sql.opened() as connection:
            cursor = connection.execute(f"FROM {parquet([str(path)])}")
            # The columns that the part was written with: trials of another version have others.
            columns = [column[0] for column in cursor.description]
            while rows := cursor.fetchmany(10_000):
                for row in rows:
                    values = dict(zip(columns, row, strict=True))
                    found_id = _id_of(values)
                    if found_id not in (values["trial_id"], None):
                        yield Finding("wrong id", path, f"holds trial {found_id} under the name {values['trial_id']}")


def _id_of(values: Mapping[str, Any]) -> str | None:
    """The id that a compacted trial's fields give it under its schema; None where nobody knows that."""
    fields = {name: value for name, value in values.items() if name in FIELDS}
    fields["settings"] = json.loads(fields["settings"])
    if values[SCHEMA_COLUMN] == SCHEMA:
        return Trial.from_dict(fields).trial_id
    return id_of(fields, values[SCHEMA_COLUMN]) if values[SCHEMA_COLUMN] in EARLIER else None


def _other_schemas(store: Store) -> Iterator[Finding]:
    """How many trials were recorded when fields meant something else."""
    counts = f"SELECT {SCHEMA_COLUMN}, count(*) FROM trials WHERE {SCHEMA_COLUMN} <> $schema GROUP BY ALL ORDER BY 1"
    with connect(store, ["trials"]) as connection:
        for schema, count in connection.execute(counts, {"schema": SCHEMA}).fetchall():
            told = f"{counted(count, 'trial')} of schema {schema}: read, never averaged with schema"
            yield Finding("other schema", store.root, f"{told} {SCHEMA}")


def _folder(store: Store, folder: TrialFolder, held: int) -> Iterator[Finding]:
    if obstacle := folder.obstacle():
        kind: Kind = "damaged" if plain.NOT_FOLLOWED in obstacle else "unreadable"
        yield Finding(kind, folder.path, obstacle.removeprefix(f"{folder.path}: "))
        return
    # Before anything else: nobody claims a trial before its description is there.
    tried = last_number(folder)
    damaged = trial_damage(folder) | damaged_files(folder.later_measures(), MEASURES_SCHEMA)
    if not folder.trial.exists():
        damaged.pop(folder.trial, None)
        if held or tried:
            yield Finding("orphan" if held else "damaged", folder.trial, "is missing")
        else:
            yield Finding("orphan", folder.path, "is empty; the next `run` of the trial fills it")
    damaged |= damaged_outputs(folder)
    for path, reason in damaged.items():
        yield Finding(_kind(reason), path, reason)
    yield from _claim(store, folder, held)


def _kind(reason: str) -> Kind:
    if not plain.is_damage(reason):
        return "unreadable"
    return "wrong id" if reason.startswith("holds trial") else "damaged"


def _claim(store: Store, folder: TrialFolder, held: int) -> Iterator[Finding]:
    number = last_number(folder)
    claim = folder.claim(number)
    if number <= held or folder.attempt(number).exists():
        return
    try:
        holder, touched = read_holder(claim)
    except FileNotFoundError:
        return
    if not is_readable(claim):
        yield Finding("damaged", claim, "doesn't say who holds the trial; it counts as held while the claim is touched")
        return
    who = f"process {holder['pid']} on {holder['host']}"
    if is_dead(store, holder, touched):
        yield Finding("stale claim", claim, f"{who} is gone; the next `run` goes on with the trial")
    else:
        yield Finding("live claim", claim, f"held by {who}")


def _orphans(store: Store, live: Manifest) -> Iterator[Finding]:
    trials = store.root / "trials"
    if not trials.is_dir():
        yield Finding("damaged", trials, "is gone, and with it all trials that weren't compacted")
    for path in trials.glob("*"):
        if not TRIAL_ID.fullmatch(path.name):
            yield Finding("orphan", path, "is no trial's folder")
    if live.generation:
        for path in sorted(live.folder.glob("*.parquet")):
            if path.name not in live.sizes:
                yield Finding("orphan", path, "is of no live generation; compaction removes it after an hour")
    for parent, folders, names in os.walk(store.root):
        for path in (Path(parent, name) for name in (*folders, *names)):
            if path.is_symlink():
                yield Finding("orphan", path, plain.NOT_FOLLOWED)
    for path in left_by_killed(store):
        yield Finding("orphan", path, "was left by a process that was killed; --repair removes it")


def left_by_killed(store: Store) -> list[Path]:
    """Temporary files and workspaces of processes that are gone."""
    found = left(store)
    for parent, folders, _ in os.walk(store.root):
        if Path(parent) == store.root:
            # What a workspace has goes with it.
            folders[:] = [name for name in folders if not name.startswith(".work-")]
        found += temporary.left_in(Path(parent), store.now)
    return found
