"""Part: a set of trials as large Parquet files, one per table, read back before anyone relies on them."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from bench.store import files
from bench.store.damage import digest_of
from bench.store.manifest import FOLDED, Manifest

ROWS = 65_536
"""Rows of a row group: small enough to skip most of a file, large enough to compress and to scan fast."""

_BY_KEY = "dataset, model, augment, optimizer, variant, scope, rho, seed, trial_id"
_ORDER = {
    "trials": _BY_KEY,
    "results": _BY_KEY,
    "attempts": "trial_id, attempt",
    "history": "trial_id, epoch",
    "measures": "trial_id, measure, settings",
    "index": "trial_id",
}
"""Rows lie by the columns that people filter by; those that are looked up one trial at a time, by trial."""


class Part(NamedTuple):
    """A part that is written but not live yet."""

    name: str
    trials: int
    sizes: dict[str, int]
    """File → bytes."""
    digests: dict[str, str]
    """File → SHA-256."""


def write(connection: duckdb.DuckDBPyConnection, folder: Path, rows: Callable[[str], str]) -> Part:
    """Write a part into `folder`; `rows` gives the SQL for all rows of a table."""
    name = uuid.uuid4().hex[:12]
    sizes, digests, counts = {}, {}, {}
    for table in FOLDED:
        sql = _index(rows("attempts")) if table == "index" else rows(table)
        path = folder / f"{name}-{table}.parquet"
        counts[table] = _write_table(connection, f"{sql} ORDER BY {_ORDER[table]}", path)
        sizes[path.name], digests[path.name] = path.stat().st_size, digest_of(path)
    files.flush_folder(folder)
    # Tables that disagree are told by the caller, which knows how many trials there should be.
    trials = counts["index"] if counts["trials"] == counts["results"] == counts["index"] else -1
    return Part(name, trials, sizes, digests)


def _index(attempts: str) -> str:
    return f"""SELECT trial_id, max(attempt) AS attempts, bool_or(outcome = 'done') AS done
        FROM ({attempts}) GROUP BY trial_id"""


def _write_table(connection: duckdb.DuckDBPyConnection, sql: str, path: Path) -> int:
    """Stream rows into a file; how many."""
    temporary = path.with_name(f".tmp-{path.name}")
    reader = connection.sql(sql).to_arrow_reader(ROWS)
    with pq.ParquetWriter(temporary, reader.schema, compression="zstd", write_page_checksum=True) as writer:
        for batch in reader:
            writer.write_batch(batch, row_group_size=ROWS)
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    count = read_back(temporary)
    os.rename(temporary, path)
    return count


def read_back(path: Path) -> int:
    """Read a file to its end, with the checksums of its pages; how many rows."""
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        return sum(batch.num_rows for batch in file.iter_batches(ROWS))


def digests_of(live: Manifest) -> dict[str, str]:
    """The digests of live files; of those that earlier versions noted none of, once each was read to its end."""
    found = dict(live.digests)
    for path in (live.folder / name for name in live.sizes if name not in found):
        # One that is damaged stays without, for a repair to find.
        with suppress(OSError, pa.ArrowException):
            read_back(path)
            found[path.name] = digest_of(path)
    return found
