"""Manifest: which compact files are live, and what they hold of each trial.

```
compact/manifest-N.json     generation N: the live parts; the highest N counts
compact/PART-TABLE.parquet  one table of one part, never changed
compact/PART.writing        who wrote the part, for which generation
compact/PART.swept          the loose files that this part replaces are gone
```

A part is a set of trials with all their rows; its table `index` says how many attempts of each trial it holds. A
new generation is created exclusively: of two compactions at once one wins; no manifest names the other's files.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from bench.store import files, sql
from bench.store.compacted.rows import rows_of
from bench.store.damage import REPAIR, Damaged, fault_of
from bench.store.files import plain, seal
from bench.store.folder import COMPACT
from bench.store.read.loose import damaged_files

FOLDED = ("trials", "attempts", "history", "measures", "results", "index")
"""Tables of a part; each is a file of its own."""

_NAME = re.compile(r"manifest-(\d{8})\.json")
_PART = re.compile(r"[0-9a-f]{12}")


@dataclass(frozen=True)
class Manifest:
    """One generation of the compact files."""

    folder: Path
    generation: int = 0  # nothing was ever compacted
    parts: Mapping[str, int] = field(default_factory=dict)
    """Part → number of its trials."""
    sizes: Mapping[str, int] = field(default_factory=dict)
    """File → bytes."""
    digests: Mapping[str, str] = field(default_factory=dict)
    """File → SHA-256; earlier versions noted none."""

    def path(self, part: str, table: str) -> Path:
        return self.folder / f"{part}-{table}.parquet"

    def paths(self, table: str, parts: Iterable[str] | None = None) -> list[str]:
        """The files of a table, of all parts or of some."""
        return [str(self.path(part, table)) for part in (self.parts if parts is None else parts)]

    def attempts(self, trial_id: str) -> int:
        """How many attempts of a trial are compacted; 0 if it isn't."""
        return max((row["attempts"] for row in self.rows("index", trial_id, ["attempts"])), default=0)

    def rows(self, table: str, trial_id: str, columns: list[str]) -> list[dict[str, Any]]:
        """The rows of one trial in a table that is sorted by trial; only the row groups that may have it are read."""
        require(self, [table])
        return [row for part in self.parts for row in rows_of(self.path(part, table), trial_id, columns)]

    def without(self, parts: Collection[str]) -> Manifest:
        """The same generation but for some parts."""
        kept = {name: trials for name, trials in self.parts.items() if name not in parts}
        return replace(self, parts=kept, sizes=_of_parts(self.sizes, kept), digests=_of_parts(self.digests, kept))

    def publish(self, parts: Mapping[str, int], sizes: Mapping[str, int], digests: Mapping[str, str]) -> Manifest:
        """Make these parts the live ones; FileExistsError if another compaction came first."""
        following = Manifest(self.folder, self.generation + 1, dict(parts), dict(sizes), dict(digests))
        files.create(manifest_path(self.folder, following.generation), _described(following))
        return following


def current(root: Path) -> Manifest:
    """The newest generation of the store at `root`; Damaged if its manifest is."""
    folder = root / COMPACT
    while generations := generations_of(folder):
        try:
            return load(folder, generations[-1])
        except FileNotFoundError:
            # Two compactions ended since the look at the folder.
            continue
    return Manifest(folder)


def readable(root: Path) -> tuple[Manifest, dict[Path, str]]:
    """The newest generation whose manifest is whole, under the newest's number; the damaged ones, and why.

    For readers alone: whoever writes goes on from the newest.
    """
    folder, damaged = root / COMPACT, dict[Path, str]()
    generations = generations_of(folder)
    for generation in reversed(generations):
        path = manifest_path(folder, generation)
        try:
            return replace(_load(path), generation=generations[-1]), damaged
        except FileNotFoundError:
            return readable(root)
        except ValueError as error:
            damaged[path] = str(error)
    return Manifest(folder, max(generations, default=0)), damaged


def generations_of(folder: Path) -> list[int]:
    """Generations whose manifest is there, rising."""
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    return sorted(int(found[1]) for name in names if (found := _NAME.fullmatch(name)))


def load(folder: Path, generation: int) -> Manifest:
    """One generation that is there; Damaged if its manifest is."""
    path = manifest_path(folder, generation)
    try:
        return _load(path)
    except ValueError as error:
        raise Damaged(path, str(error), REPAIR) from error


def shorten(folder: Path, before: int, limit: float) -> None:
    """Empty the old manifests of generations before this one.

    Their names stay taken: otherwise a process that was suspended meanwhile could publish under one of them.
    """
    for generation in generations_of(folder):
        path = manifest_path(folder, generation)
        if generation < before and path.lstat().st_mtime < limit and path.lstat().st_size != len(_empty(path)):
            empty(path)


def empty(path: Path) -> None:
    """Let a manifest name nothing, but keep its name taken."""
    files.write(path, _empty(path))


def held_attempts(live: Manifest, trial_ids: Collection[str]) -> dict[str, int]:
    """Of the trials that are compacted, how many attempts are."""
    return {trial_id: attempts for trial_id, attempts, _ in _index(live, trial_ids)}


def parts_with(live: Manifest, trial_ids: Collection[str]) -> list[str]:
    """The parts that have any of the trials."""
    return [part for part in live.parts if held_attempts(live.without(set(live.parts) - {part}), trial_ids)]


def done_trials(live: Manifest, trial_ids: Collection[str]) -> set[str]:
    """The trials that are compacted and done."""
    return {trial_id for trial_id, _, done in _index(live, trial_ids) if done}


def faults(live: Manifest, tables: Collection[str] = FOLDED) -> dict[Path, str]:
    """The files of these tables that aren't what was published, and what is wrong with each."""
    paths = [live.path(part, table) for part in live.parts for table in tables]
    return {path: reason for path in paths if (reason := _fault(live, path))}


def require(live: Manifest, tables: Collection[str] = FOLDED) -> None:
    """Damaged if a file of these tables isn't what was published."""
    for path, reason in faults(live, tables).items():
        raise Damaged(path, reason, REPAIR)


def trials_of(live: Manifest, part: str) -> set[str]:
    """The trials of a part, by any of its tables that is whole."""
    import pyarrow.parquet as pq

    paths = (live.path(part, table) for table in ("index", "attempts", "trials", "results"))
    whole = next((path for path in paths if not _fault(live, path)), None)
    return set() if whole is None else set(pq.read_table(whole, columns=["trial_id"])["trial_id"].to_pylist())


def explain_damage(live: Manifest, error: Exception) -> None:
    """Damaged if one of the files can't be read to its end, where no checksum was noted."""
    for path, reason in damaged_files(live.folder / name for name in live.sizes if name not in live.digests).items():
        raise Damaged(path, reason, REPAIR) from error


def manifest_path(folder: Path, generation: int) -> Path:
    return folder / f"manifest-{generation:08d}.json"


def _fault(live: Manifest, path: Path) -> str | None:
    return fault_of(path, live.sizes[path.name], live.digests.get(path.name))


def _index(live: Manifest, trial_ids: Collection[str]) -> list[tuple[str, int, bool]]:
    if not live.parts or not trial_ids:
        return []
    from duckdb import Error

    require(live, ["index"])
    query = "SELECT trial_id, attempts, done FROM read_parquet($paths) WHERE trial_id IN (SELECT unnest($ids))"
    with sql.opened() as connection:
        try:
            return connection.execute(query, {"paths": live.paths("index"), "ids": list(set(trial_ids))}).fetchall()
        except Error as error:
            explain_damage(live, error)
            raise


def _empty(path: Path) -> bytes:
    return _described(Manifest(path.parent, int(path.stem.rpartition("-")[2])))


def _described(held: Manifest) -> bytes:
    return seal.sealed_json(
        {
            "generation": held.generation,
            "parts": list(held.parts),
            "trials": list(held.parts.values()),
            "bytes": dict(held.sizes),
            "sha256": dict(held.digests),
        }
    )


def _of_parts(files_of: Mapping[str, Any], parts: Collection[str]) -> dict[str, Any]:
    return {file: value for file, value in files_of.items() if file.partition("-")[0] in parts}


def _load(path: Path) -> Manifest:
    found = plain.status(path)
    return _parse(path, found.st_size, found.st_mtime_ns, found.st_ino)


@lru_cache(maxsize=64)
def _parse(path: Path, *_stamps: int) -> Manifest:
    """ValueError if it is damaged."""
    # Kept, because a manifest is never changed and workers ask for every trial.
    held = seal.read_json(plain.read(path))
    try:
        parts = dict(zip(held["parts"], map(int, held["trials"]), strict=True))
        sizes = {str(name): int(size) for name, size in held["bytes"].items()}
        found = Manifest(path.parent, held["generation"], parts, sizes, dict(held.get("sha256", {})))
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"is no manifest: {error}") from error
    # Names of our own making lead nowhere else.
    for wrong in (part for part in parts if not _PART.fullmatch(part)):
        raise ValueError(f"names a part that is none: {wrong!r}")
    expected = {f"{part}-{table}.parquet" for part in parts for table in FOLDED}
    if path != manifest_path(path.parent, found.generation) or set(sizes) != expected:
        raise ValueError("names files that don't belong together")
    return found
