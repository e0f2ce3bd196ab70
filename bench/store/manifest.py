"""Manifest: which compact files are live, and what they hold of each trial.

```
compact/manifest-N.json     generation N: the live parts; the highest N counts
compact/PART-TABLE.parquet  one table of one part, never changed
compact/PART.writing        who wrote the part, for which generation
compact/PART.swept          the loose files that this part replaces are gone
```

A part is a set of trials with all their rows; its table `index` says how many attempts of each trial it holds. A
new generation is created exclusively, like a claim: of two compactions at once one wins, and the other's files are
named by no manifest.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import filterfalse
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from bench.errors import UserError
from bench.store import files, plain, sql

FOLDED = ("trials", "attempts", "history", "measures", "results", "index")
"""Tables of a part; each is a file of its own."""

_NAME = re.compile(r"manifest-(\d{8})\.json")
_PART = re.compile(r"[0-9a-f]{12}")
_FILE = re.compile(rf"{_PART.pattern}-(?:{'|'.join(FOLDED)})\.parquet")


class DamagedPart(UserError):
    """A compact file that can't be read, with the way out."""


@dataclass(frozen=True)
class Manifest:
    """One generation of the compact files."""

    folder: Path
    generation: int = 0
    """0: nothing was ever compacted."""
    parts: Mapping[str, int] = field(default_factory=dict)
    """Part → number of its trials."""
    sizes: Mapping[str, int] = field(default_factory=dict)
    """File → bytes."""

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
        return [row for part in self.parts for row in _rows(self.path(part, table), trial_id, columns)]

    def publish(self, parts: Mapping[str, int], sizes: Mapping[str, int]) -> Manifest:
        """Make these parts the live ones; FileExistsError if another compaction came first."""
        following = Manifest(self.folder, self.generation + 1, dict(parts), dict(sizes))
        files.create(_manifest_path(self.folder, following.generation), _described(following))
        return following


def current(root: Path) -> Manifest:
    """The newest generation of the store at `root`."""
    folder = root / "compact"
    while generations := generations_of(folder):
        try:
            return _load(_manifest_path(folder, generations[-1]))
        except FileNotFoundError:
            # Two compactions ended since the look at the folder.
            continue
    return Manifest(folder)


def generations_of(folder: Path) -> list[int]:
    """Generations whose manifest is there, rising."""
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    return sorted(int(found[1]) for name in names if (found := _NAME.fullmatch(name)))


def load(folder: Path, generation: int) -> Manifest:
    """One generation that is there."""
    return _load(_manifest_path(folder, generation))


def shorten(folder: Path, before: int, limit: float) -> None:
    """Empty the old manifests of generations before this one.

    Their names stay: were they free again, a process that slept all the while could publish under one of them.
    """
    for generation in generations_of(folder):
        path, empty = _manifest_path(folder, generation), _described(Manifest(folder, generation))
        if generation < before and path.stat().st_mtime < limit and path.stat().st_size != len(empty):
            files.write(path, empty)


def held_attempts(live: Manifest, trial_ids: Collection[str]) -> dict[str, int]:
    """Of the trials that are compacted, how many attempts are."""
    return {trial_id: attempts for trial_id, attempts, _ in _index(live, trial_ids)}


def holds(live: Manifest, name: str, trial_ids: Collection[str]) -> bool:
    """Whether one part has any of the trials."""
    return bool(held_attempts(Manifest(live.folder, live.generation, {name: live.parts[name]}), trial_ids))


def done_trials(live: Manifest, trial_ids: Collection[str]) -> set[str]:
    """The trials that are compacted and done."""
    return {trial_id for trial_id, _, done in _index(live, trial_ids) if done}


def explain_damage(live: Manifest, error: Exception) -> None:
    """DamagedPart if one of the files isn't there or isn't as long as it was when it was published."""
    for name, size in live.sizes.items():
        path = live.folder / name
        if not path.exists() or path.stat().st_size != size:
            advice = "`sambench store check --repair` gives its trials up, then `sambench run` trains them again"
            raise DamagedPart(f"{path}: missing or damaged; {advice}") from error


def _index(live: Manifest, trial_ids: Collection[str]) -> list[tuple[str, int, bool]]:
    if not live.parts or not trial_ids:
        return []
    query = "SELECT trial_id, attempts, done FROM read_parquet($paths) WHERE trial_id IN (SELECT unnest($ids))"
    with sql.opened() as connection:
        try:
            return connection.execute(query, {"paths": live.paths("index"), "ids": list(set(trial_ids))}).fetchall()
        except duckdb.Error as error:
            explain_damage(live, error)
            raise


def _described(held: Manifest) -> bytes:
    parts, trials = list(held.parts), list(held.parts.values())
    described = {"generation": held.generation, "parts": parts, "trials": trials, "bytes": dict(held.sizes)}
    return json.dumps(described, indent=1).encode()


def _manifest_path(folder: Path, generation: int) -> Path:
    return folder / f"manifest-{generation:08d}.json"


@lru_cache(maxsize=64)
def _load(path: Path) -> Manifest:
    # Kept, because a manifest is never changed and workers ask for every trial.
    held = json.loads(plain.read(path))
    parts = dict(zip(held["parts"], held["trials"], strict=True))
    _check(path, parts, held["bytes"])
    return Manifest(path.parent, held["generation"], parts, held["bytes"])


def _check(path: Path, parts: Iterable[str], names: Iterable[str]) -> None:
    """DamagedPart if the manifest leads to other files than those of its parts, beside it."""
    for wrong in [*filterfalse(_PART.fullmatch, parts), *filterfalse(_FILE.fullmatch, names)]:
        raise DamagedPart(f"{path}: damaged: {wrong!r} is no compact file's name")
    for name in names:
        if (path.parent / name).is_symlink():
            raise DamagedPart(f"{path.parent / name}: {plain.NOT_FOLLOWED}; put the file itself there")


def _rows(path: Path, trial_id: str, columns: list[str]) -> list[dict[str, Any]]:
    with pq.ParquetFile(path) as file:
        place = file.schema_arrow.get_field_index("trial_id")
        wanted = []
        for number in range(file.num_row_groups):
            bounds = file.metadata.row_group(number).column(place).statistics
            if bounds is None or not bounds.has_min_max or bounds.min <= trial_id <= bounds.max:
                wanted.append(number)
        if not wanted:
            return []
        found = file.read_row_groups(wanted, columns=["trial_id"])["trial_id"].to_pylist()
        places = [place for place, value in enumerate(found) if value == trial_id]
        if not places:
            return []
        table = file.read_row_groups(wanted, columns=columns).slice(places[0], places[-1] - places[0] + 1)
        return table.to_pylist()
