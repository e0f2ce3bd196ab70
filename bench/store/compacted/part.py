"""Part: a set of trials as large Parquet files, one per table, read back before anyone relies on them."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bench.store import files
from bench.store.attempt import IS_SUPERSEDED
from bench.store.claims.process import describe_holder, is_there
from bench.store.compacted.manifest import FOLDED, Manifest
from bench.store.damage import digest_of
from bench.store.files import plain, seal, temporary

if TYPE_CHECKING:
    import duckdb

ROWS = 65_536
"""Rows of a row group: small enough to skip most of a file, large enough to compress and to scan fast."""

WRITING = ".writing"
"""End of the name of a part's mark, which says who writes it, to be published as which generation.

It stays as long as the part, because a look at it is only of use before a look at the manifests.
"""

BY_KEY = "dataset, model, augment, optimizer, variant, scope, rho, seed, trial_id"
"""How rows of trials are sorted."""
_ORDER = {
    "trials": BY_KEY,
    "results": BY_KEY,
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


def write(
    connection: duckdb.DuckDBPyConnection, live: Manifest, rows: Callable[[str], str], name: str | None = None
) -> Part:
    """Write a part, to be published after the manifest `live`; `rows` gives the SQL for all rows of a table."""
    name, folder = name or uuid.uuid4().hex[:12], live.folder
    holder = describe_holder("compact") | {"generation": live.generation + 1}
    files.create(folder / f"{name}{WRITING}", seal.sealed_json(holder))
    sizes, digests, counts = {}, {}, {}
    for table in FOLDED:
        sql = _index(rows("attempts")) if table == "index" else rows(table)
        path = folder / f"{name}-{table}.parquet"
        counts[table] = _write_table(connection, f"{sql} ORDER BY {_ORDER[table]}", path)
        sizes[path.name], digests[path.name] = path.stat().st_size, digest_of(path)
    files.flush_folder(folder)
    # If tables disagree, the caller notices: it knows how many trials there should be.
    trials = counts["index"] if counts["trials"] == counts["results"] == counts["index"] else -1
    return Part(name, trials, sizes, digests)


def discard(live: Manifest, written: Part) -> None:
    """Remove a part that will not be published."""
    for file in (*written.sizes, f"{written.name}{WRITING}"):
        (live.folder / file).unlink(missing_ok=True)


def is_given_up(folder: Path, name: str, generation: int) -> bool | None:
    """Whether a part that isn't named by any manifest up to this one can't be published any more.

    Its generation may have come without it, or its writer is gone. None if that isn't known, because the part has no
    mark of its writer.
    """
    try:
        holder = seal.read_json(plain.read(folder / f"{name}{WRITING}"))
        return generation >= holder["generation"] or is_there(holder) is False
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _index(attempts: str) -> str:
    return f"""SELECT trial_id, max(attempt) AS attempts, bool_or(outcome = 'done' AND NOT superseded) AS done
        FROM (SELECT *, {IS_SUPERSEDED} AS superseded FROM ({attempts})) GROUP BY trial_id"""


def _write_table(connection: duckdb.DuckDBPyConnection, sql: str, path: Path) -> int:
    """Stream rows into a file; how many."""
    import pyarrow.parquet as pq

    new = path.with_name(temporary.new_name())
    reader = connection.sql(sql).to_arrow_reader(ROWS)
    with pq.ParquetWriter(new, reader.schema, compression="zstd", write_page_checksum=True) as writer:
        for batch in reader:
            writer.write_batch(batch, row_group_size=ROWS)
    os.chmod(new, files.file_mode(path.parent))
    with new.open("rb") as file:
        os.fsync(file.fileno())
    count = read_back(new)
    os.rename(new, path)
    return count


def read_back(path: Path) -> int:
    """Read a file to its end, with the checksums of its pages; how many rows."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        return sum(batch.num_rows for batch in file.iter_batches(ROWS))


def digests_of(live: Manifest) -> dict[str, str]:
    """The digests of live files; those without one, from earlier versions, are first read to their end."""
    import pyarrow as pa

    found = dict(live.digests)
    for path in (live.folder / name for name in live.sizes if name not in found):
        # A damaged one gets none, so that a repair finds it.
        with suppress(OSError, pa.ArrowException):
            read_back(path)
            found[path.name] = digest_of(path)
    return found
