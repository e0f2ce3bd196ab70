"""Journal: what the files of done trials say, once more, as one line each in a file for every machine and user.

Opening tens of thousands of small files takes seconds, where they aren't in memory a minute. A journal is a shortcut,
no truth of its own: a line serves readers as long as the files that it was made of are as they were, by size and time.
So a line may be missing, torn or outdated, isn't waited for until it is on disk, and needs no lock. Each begins with
the end of the line before, so that one torn by a kill spoils no other. Compaction, which removes files, reads them.
"""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Collection, Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from bench.store import files, plain
from bench.store.folder import ATTEMPTS, MEASURES, TRIAL, TrialFolder, record_name
from bench.store.layout import Store
from bench.store.loose import sql_type

ROWS = {
    "trials": "SELECT trial_id, trial FROM {0}",
    "attempts": "SELECT record.* FROM {0}",
    "measures": "SELECT trial_id, quantity.* FROM (SELECT trial_id, unnest(measures) AS quantity FROM {0})",
}
"""Table → SQL for its rows by the loaded lines, which are the table {0}."""

_WORTH = 64_000
"""Bytes of journals that are read as fast as the files of one trial."""
_TRIAL = re.compile(rb'{"trial_id": "([0-9a-f]{16})"')


class Entry(NamedTuple):
    """A line that was loaded."""

    attempt: int
    """The one that is done."""
    stamps: list[int]
    """Of the files that it was made of."""
    line: int
    """Its place in the loaded table."""

    def holds(self, folder: str) -> bool:
        """Whether the files in the trial's folder are still those that the line was made of."""
        try:
            return _stamps(folder, self.attempt) == self.stamps
        except OSError:
            return False


def note(folder: TrialFolder, attempt: dict[str, Any]) -> None:
    """Add the line of a trial whose `done` attempt was just recorded; nothing where it can't be written."""
    with suppress(OSError, ValueError, pa.ArrowException):
        stamps = _stamps(str(folder.path), attempt["attempt"])
        with pq.ParquetFile(folder.measures) as file:
            measures = file.read(columns=["measure", "settings", "value"]).to_pylist()
        trial = json.loads(folder.trial.read_text(encoding="utf-8"))
        known = {"trial_id": folder.trial_id, "attempt": attempt["attempt"], "stamps": stamps}
        line = known | {"record": attempt, "measures": measures, "trial": trial}
        data = "\n" + json.dumps(line, default=datetime.isoformat, allow_nan=False)
        place = _folder(folder.root)
        files.make_folder(place)
        name = f"{socket.gethostname()}-{os.getuid()}.jsonl"
        descriptor = os.open(place / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o666)
        try:
            os.fchmod(descriptor, files.file_mode(place))
            os.write(descriptor, data.encode())
        finally:
            os.close(descriptor)


def paths(store: Store) -> list[Path]:
    """The journals that there are."""
    place = _folder(store.root)
    with suppress(OSError):
        return sorted(place / name for name in plain.names(place) if name.endswith(".jsonl"))
    return []


def load(
    connection: duckdb.DuckDBPyConnection, name: str, store: Store, trial_ids: Collection[str], attempts: pa.Schema
) -> dict[str, Entry]:
    """Make the table `name` of the journals' lines about these trials; the newest line of each.

    `attempts` has the columns that are needed of the records.
    """
    record = ", ".join(f'"{field.name}" {sql_type(field.type)}' for field in attempts)
    columns = {"trial_id": "VARCHAR", "attempt": "BIGINT", "stamps": "BIGINT[]", "trial": "JSON"}
    columns |= {"record": f"STRUCT({record})", "measures": "STRUCT(measure VARCHAR, settings VARCHAR, value DOUBLE)[]"}
    connection.execute(f"CREATE TABLE {name} ({', '.join(f'{column} {kind}' for column, kind in columns.items())})")
    # A journal may be removed at any time.
    with suppress(OSError, duckdb.Error):
        read = paths(store)
        if 0 < sum(path.stat().st_size for path in read) < _WORTH * len(trial_ids):
            connection.execute(
                f"""INSERT INTO {name} BY NAME SELECT * FROM read_json($paths, columns = {columns},
                    format = 'newline_delimited', ignore_errors = true)
                SEMI JOIN (SELECT unnest($ids::VARCHAR[]) AS trial_id) USING (trial_id)""",
                {"paths": [str(path) for path in read], "ids": list(trial_ids)},
            )
    # By the time of the record.
    lines = connection.execute(f"SELECT trial_id, attempt, stamps, rowid FROM {name} ORDER BY stamps[2]")
    return {trial_id: Entry(*entry) for trial_id, *entry in lines.fetchall()}


def keep(connection: duckdb.DuckDBPyConnection, name: str, entries: Iterable[Entry]) -> None:
    """Remove all lines but these from the loaded table."""
    lines = [entry.line for entry in entries]
    connection.execute(f"DELETE FROM {name} WHERE rowid NOT IN (SELECT unnest($lines::BIGINT[]))", {"lines": lines})


def clean(store: Store, loose: Collection[str]) -> None:
    """Remove the journals that say nothing of these trials, and shorten those of this user that say little of them."""
    for path in paths(store):
        with suppress(OSError):
            # What is added meanwhile may be lost.
            lines = path.read_bytes().split(b"\n")
            kept = [line for line in lines if (found := _TRIAL.match(line)) and found[1].decode() in loose]
            if not kept:
                path.unlink()
            elif len(kept) < len(lines) / 2 and path.stat().st_uid == os.getuid():
                files.write(path, b"\n".join(kept))


def _folder(root: Path) -> Path:
    return root / "journal"


def _stamps(folder: str, attempt: int) -> list[int]:
    """Size in bytes and time of change in ns of the files that a line is made of, the record first."""
    # Strings, not paths: there may be tens of thousands.
    names = (f"{ATTEMPTS}/{record_name(attempt)}", MEASURES, TRIAL)
    # Not through a link: the files that the line stands for aren't read through one either.
    found = [os.lstat(f"{folder}/{name}") for name in names]
    return [number for file in found for number in (file.st_size, file.st_mtime_ns)]
