"""Loose files: the small Parquet files of trials' own folders, into tables of a DuckDB connection.

Readers take the fast way, by DuckDB, which doesn't look at checksums. Whoever is about to remove the files reads them
by pyarrow, which does.
"""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from bench.store import plain, sql
from bench.store.folder import LATER

Insert = Callable[[duckdb.DuckDBPyConnection, str, pa.Schema, list[str]], None]
"""Fills a table that is there and has these columns from files."""

_BATCH = 1000
"""Files that are held in memory at once while they are checked."""
_SHARE = 50
"""Files that a thread takes at once."""
_THREADS = min(8, os.cpu_count() or 1)
_SQL = {"string": "VARCHAR", "int64": "BIGINT", "double": "DOUBLE", "bool": "BOOLEAN"}
_log = logging.getLogger(__name__)

_TUNED = {"preserve_insertion_order": "false", "async_threads": "0"}
"""DuckDB reads files in parallel only if their order doesn't matter, and handing each small one to a thread for input
takes longer than reading it; versions before 2.0 have no such threads."""


@contextmanager
def tuned(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Let the connection read many small files fast."""
    there = "SELECT name FROM duckdb_settings() WHERE name IN (SELECT unnest($names))"
    names = [name for (name,) in connection.execute(there, {"names": list(_TUNED)}).fetchall()]
    for name in names:
        connection.execute(f"SET {name} = {_TUNED[name]}")
    try:
        yield
    finally:
        for name in names:
            connection.execute(f"RESET {name}")


def create(connection: duckdb.DuckDBPyConnection, name: str, schema: pa.Schema) -> None:
    """Make an empty table of these columns."""
    # Not `schema.empty_table()`: making an array imports pandas, which takes as long as all the rest.
    connection.register("incoming", pa.Table.from_batches([], schema))
    connection.execute(f"CREATE TABLE {name} AS SELECT * FROM incoming")
    connection.unregister("incoming")


def insert(connection: duckdb.DuckDBPyConnection, name: str, schema: pa.Schema, paths: list[str]) -> None:
    """Insert all rows of the files; what is damaged is left out with a warning."""
    if not paths:
        return
    try:
        # Faster, since no file is opened for its columns first.
        _insert(connection, name, schema, paths, by_name=False)
        return
    except duckdb.Error:
        pass  # A file is of an older version, or damaged.
    try:
        _insert(connection, name, schema, paths, by_name=True)
    except duckdb.Error:
        damaged = damaged_files(map(Path, paths))
        for path, reason in damaged.items():
            if isinstance(reason, Denied):
                _log.warning("%s: left out: %s", path, reason)
                continue
            again = "measure` takes it" if path.parent.name == LATER else "run` trains its trial"
            _log.warning("%s: damaged, left out: %s; `sambench %s again", path, reason, again)
        # What compaction removed meanwhile is in its newer manifest, which the caller looks for.
        whole = [path for path in paths if Path(path) not in damaged and Path(path).exists()]
        _insert(connection, name, schema, whole, by_name=True)


class Denied(str):
    """What keeps a file from being read that isn't damaged: it is somebody else's."""

    __slots__ = ()


class Checked:
    """Inserts as `insert` does, and notes every file that isn't whole, down to its checksums."""

    def __init__(self) -> None:
        self.damaged: dict[Path, str] = {}
        """File → what is wrong with it."""

    def __call__(self, connection: duckdb.DuckDBPyConnection, name: str, schema: pa.Schema, paths: list[str]) -> None:
        for start in range(0, len(paths), _BATCH):
            # The empty one, so that columns which older files lack are there.
            tables = [pa.Table.from_batches([], schema)]
            for path, read in _read_all(paths[start : start + _BATCH]):
                if isinstance(read, pa.Table):
                    tables.append(read)
                elif read is not None:
                    self.damaged[Path(path)] = read
            connection.register("incoming", pa.concat_tables(tables, promote_options="default"))
            connection.execute(f"INSERT INTO {name} BY NAME SELECT {_listed(schema)} FROM incoming")
            connection.unregister("incoming")


def damaged_files(paths: Iterable[Path]) -> dict[Path, str]:
    """The files that are no whole Parquet files, and what is wrong with each."""
    return {Path(path): read for path, read in _read_all([str(path) for path in paths]) if isinstance(read, str)}


def sql_type(type_: pa.DataType) -> str:
    """DuckDB's name of a column's type."""
    return _SQL.get(str(type_), "TIMESTAMPTZ")


def parquet(paths: Iterable[str], *, by_name: bool = True) -> str:
    """SQL for the rows of Parquet files, by name, because files of an older version may lack columns."""
    return f"read_parquet({sql.literals(paths)}, union_by_name = {str(by_name).lower()})"


def _insert(
    connection: duckdb.DuckDBPyConnection, name: str, schema: pa.Schema, paths: list[str], *, by_name: bool
) -> None:
    with tempfile.NamedTemporaryFile(suffix=".parquet") as first:
        # DuckDB takes the columns from the first file; of older files some may lack one.
        pq.write_table(pa.Table.from_batches([], schema), first.name)
        listed = parquet([first.name, *paths], by_name=by_name)
        connection.execute(f"INSERT INTO {name} BY NAME SELECT {_listed(schema)} FROM {listed}")


def _listed(schema: pa.Schema) -> str:
    return ", ".join(map(sql.name, schema.names))


def _read_all(paths: list[str]) -> Iterator[tuple[str, pa.Table | str | None]]:
    if len(paths) < _SHARE:
        yield from _read_each(paths)
        return
    shares = [paths[start : start + _SHARE] for start in range(0, len(paths), _SHARE)]
    with ThreadPoolExecutor(_THREADS) as pool:
        for read in pool.map(_read_each, shares):
            yield from read


def _read_each(paths: list[str]) -> list[tuple[str, pa.Table | str | None]]:
    return [(path, _read(path)) for path in paths]


def _read(path: str) -> pa.Table | str | None:
    """The file's rows, or what is wrong with it; None if it isn't there."""
    try:
        # Not read_table, which takes several times as long for a small file.
        with plain.open_file(path) as opened, pq.ParquetFile(opened, page_checksum_verification=True) as file:
            return file.read(use_threads=False)
    except FileNotFoundError:
        return None
    except plain.NotPlain as error:
        return str(error.strerror)
    except PermissionError:
        return Denied("its owner doesn't let you read it")
    except (OSError, pa.ArrowException) as error:
        return str(error).splitlines()[0]
