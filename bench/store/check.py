"""Check: is every file of a store readable, every id right, every claim someone's, and nothing left over?"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

import pyarrow.parquet as pq

from bench.store import manifest, plain, sql
from bench.store.claim import is_dead, last_number
from bench.store.folder import StoreError, TrialFolder
from bench.store.layout import Store
from bench.store.loose import damaged_files, parquet
from bench.store.manifest import Manifest
from bench.trial import FIELDS, SCHEMA, Trial

Kind = Literal["damaged", "wrong id", "stale claim", "orphan", "live claim"]
_TEMPORARY_AGE = 3600.0
_FOLDER = re.compile(r"[0-9a-f]{16}")


class Finding(NamedTuple):
    """Something about a store that is worth a word."""

    kind: Kind
    path: Path
    text: str

    @property
    def bad(self) -> bool:
        """Whether results are in doubt; the others need no one's care."""
        return self.kind in ("damaged", "wrong id")


def check(store: Store) -> Iterator[Finding]:
    """Everything that is found, as it is found."""
    live = manifest.current(store.root)
    damaged = list(_damaged_parts(live))
    yield from damaged
    lost = {finding.path.name.partition("-")[0] for finding in damaged}
    whole = Manifest(live.folder, live.generation, {name: n for name, n in live.parts.items() if name not in lost})
    yield from _compacted(whole)
    held = manifest.held_attempts(whole, store.trial_ids())
    for folder in store.folders():
        yield from _folder(store, folder, held.get(folder.trial_id, 0))
    yield from _orphans(store, live)


def repair(store: Store) -> int:
    """Give up the parts that have a damaged file, so that their trials run again; how many trials.

    Nothing is deleted: the folders of trials that have no other record go to `damaged/`, with their weights.
    """
    live = manifest.current(store.root)
    damaged = [finding.path for finding in _damaged_parts(live)]
    lost = {path.name.partition("-")[0] for path in damaged}
    if not lost:
        return 0
    ids = set().union(*(_ids(live, part, damaged) for part in lost))
    kept = {name: trials for name, trials in live.parts.items() if name not in lost}
    sizes = {file: size for file, size in live.sizes.items() if file.partition("-")[0] in kept}
    live.publish(kept, sizes)
    for folder in map(store.folder, ids):
        if folder.path.exists() and not any(folder.attempts.glob("*.parquet")):
            store.set_aside(folder)
    return sum(live.parts[name] for name in lost)


def _ids(live: Manifest, part: str, damaged: list[Path]) -> set[str]:
    """The trials of a part, by any of its tables that is whole."""
    for table in ("index", "trials", "results", "attempts"):
        path = live.path(part, table)
        if path not in damaged:
            return set(pq.read_table(path, columns=["trial_id"])["trial_id"].to_pylist())
    return set()


def _damaged_parts(live: Manifest) -> Iterator[Finding]:
    for name, size in live.sizes.items():
        path = live.folder / name
        if not path.exists():
            yield Finding("damaged", path, "is missing")
        elif path.stat().st_size != size:
            yield Finding("damaged", path, f"has {path.stat().st_size} bytes, not {size}")
        else:
            yield from (Finding("damaged", path, reason) for reason in damaged_files([path]).values())


def _compacted(live: Manifest) -> Iterator[Finding]:
    """Ids of compacted trials that their fields don't give."""
    names = ", ".join(map(sql.name, FIELDS))
    for part in live.parts:
        path = live.path(part, "trials")
        with sql.opened() as connection:
            cursor = connection.execute(
                f"SELECT trial_id, {names} FROM {parquet([str(path)])} WHERE trial_schema = {SCHEMA}"
            )
            while rows := cursor.fetchmany(10_000):
                for trial_id, *values in rows:
                    fields = dict(zip(FIELDS, values, strict=True))
                    found_id = Trial.from_dict({**fields, "settings": json.loads(fields["settings"])}).trial_id
                    if found_id != trial_id:
                        yield Finding("wrong id", path, f"holds trial {found_id} under the name {trial_id}")


def _folder(store: Store, folder: TrialFolder, held: int) -> Iterator[Finding]:
    if obstacle := folder.obstacle():
        yield Finding("damaged", folder.path, obstacle.removeprefix(f"{folder.path}: "))
        return
    loose = [*folder.attempts.glob("*.parquet"), folder.history, folder.measures, *folder.later_measures()]
    yield from (Finding("damaged", path, reason) for path, reason in damaged_files(loose).items())
    try:
        stored = json.loads(plain.read(folder.trial))
        # An id of an older schema can't be made again.
        if stored.get("schema") == SCHEMA:
            folder.read_trial()
    except FileNotFoundError:
        yield Finding("orphan" if held else "damaged", folder.trial, "is missing")
    except StoreError as error:
        kind: Kind = "damaged" if "damaged" in str(error) else "wrong id"
        yield Finding(kind, folder.trial, str(error).partition(": ")[2])
    except (ValueError, AttributeError) as error:
        yield Finding("damaged", folder.trial, str(error))
    yield from _claim(store, folder, held)


def _claim(store: Store, folder: TrialFolder, held: int) -> Iterator[Finding]:
    number = last_number(folder)
    claim = folder.claim(number)
    if number <= held or folder.attempt(number).exists():
        return
    try:
        holder, touched = json.loads(plain.read(claim)), claim.stat().st_mtime
    except FileNotFoundError:
        return
    except ValueError as error:
        yield Finding("damaged", claim, str(error))
        return
    who = f"process {holder['pid']} on {holder['host']}"
    if is_dead(store, holder, touched):
        yield Finding("stale claim", claim, f"{who} is gone; the next `run` goes on with the trial")
    else:
        yield Finding("live claim", claim, f"held by {who}")


def _orphans(store: Store, live: Manifest) -> Iterator[Finding]:
    for path in (store.root / "trials").iterdir():
        if not _FOLDER.fullmatch(path.name):
            yield Finding("orphan", path, "is no trial's folder")
    if live.generation:
        for path in sorted(live.folder.glob("*.parquet")):
            if path.name not in live.sizes:
                yield Finding("orphan", path, "is of no live generation; compaction removes it after an hour")
    for parent, folders, names in os.walk(store.root):
        for path in (Path(parent, name) for name in (*folders, *names)):
            if path.is_symlink():
                yield Finding("orphan", path, plain.NOT_FOLLOWED)
    limit = store.now() - _TEMPORARY_AGE
    for path in store.root.rglob(".tmp-*"):
        if path.is_file() and path.stat().st_mtime < limit:
            yield Finding("orphan", path, "was left by a process that was killed; it may be deleted")
