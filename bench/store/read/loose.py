"""Loose files: the small Parquet files of trial folders, as tables of a DuckDB connection.

Every file is read whole and its seal looked at before anything in it is believed; one of an earlier version, which has
none, is read by pyarrow with the checksums of its pages. Each has to be of the trial and attempt that its name says:
a whole file may have been copied to the wrong place.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from bench.store import sql
from bench.store.files import plain, seal
from bench.store.folder import ATTEMPTS, LATER, RECORD, SUPERSEDED, superseded_trial

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from bench.store.sql import Columns

_BATCH = 1000
"""Tables that are held in memory at once."""
_SHARE = 50
"""Files that a thread takes at once."""
_THREADS = min(8, os.cpu_count() or 1)
_IDENTITY = frozenset({"trial_id", "attempt", "outcome", "epoch", "measure", "value"})
"""Columns that every version has written, each in the tables that have it."""


def create(connection: duckdb.DuckDBPyConnection, name: str, schema: Columns) -> None:
    """Make an empty table of these columns."""
    columns = ", ".join(f"{sql.name(column)} {type_}" for column, type_ in schema.items())
    connection.execute(f"CREATE TABLE {name} ({columns})")


def insert(connection: duckdb.DuckDBPyConnection, name: str, schema: Columns, paths: list[str]) -> dict[Path, str]:
    """Insert all rows of the files into a table of these columns; the files that are left out, and why."""
    import duckdb

    left_out: dict[Path, str] = {}
    tables: list[pa.Table] = []
    sealed: list[str] = []
    with tempfile.NamedTemporaryFile(suffix=".json") as lines:
        for path, content in _read_all(paths, schema):
            if isinstance(content, bytes):
                lines.write(content + b"\n")
                sealed.append(path)
            elif isinstance(content, str):
                left_out[Path(path)] = content
            elif content is not None:
                tables.append(content)
            if len(tables) == _BATCH:
                _insert_tables(connection, name, schema, tables)
                tables = []
        _insert_tables(connection, name, schema, tables)
        lines.flush()
        try:
            if lines.tell():
                _insert_lines(connection, name, schema, lines.name)
        except duckdb.Error:
            # A stranger may have sealed rows that aren't any: fall back to the columns.
            for path in sealed:
                table = read_table(Path(path), schema)
                if isinstance(table, str):
                    left_out[Path(path)] = table
                elif table is not None:
                    _insert_tables(connection, name, schema, [table])
    return left_out


def damaged_files(paths: Iterable[Path], schema: Columns | None = None) -> dict[Path, str]:
    """The files that are no whole Parquet files or can't be read, and why."""
    read = _read_all([str(path) for path in paths], schema)
    return {Path(path): content for path, content in read if isinstance(content, str)}


def read_table(path: Path, schema: Columns) -> pa.Table | str | None:
    """The rows of a file, or what is wrong with it; None if it isn't there."""
    data = _bytes(str(path))
    return _table(str(path), data, schema) if isinstance(data, bytes) else data


def parquet(paths: Iterable[str]) -> str:
    """SQL for the rows of Parquet files, by name, because files of an older version may lack columns."""
    return f"read_parquet({sql.literals(paths)}, union_by_name = true)"


def _insert_lines(connection: duckdb.DuckDBPyConnection, name: str, schema: Columns, file: str) -> None:
    select = f"SELECT * FROM read_json($file, columns = {dict(schema)}, format = 'newline_delimited')"
    connection.execute(f"INSERT INTO {name} BY NAME {select}", {"file": file})


def _insert_tables(connection: duckdb.DuckDBPyConnection, name: str, schema: Columns, tables: list[pa.Table]) -> None:
    if tables:
        import pyarrow as pa

        connection.register("incoming", pa.concat_tables(tables, promote_options="default"))
        connection.execute(f"INSERT INTO {name} BY NAME SELECT * FROM incoming")
        connection.unregister("incoming")


def _read_all(paths: list[str], schema: Columns | None) -> Iterator[tuple[str, bytes | pa.Table | str | None]]:
    shares = [paths[start : start + _SHARE] for start in range(0, len(paths), _SHARE)]
    if len(shares) < 2:
        yield from _read_each(paths, schema)
        return
    with ThreadPoolExecutor(_THREADS) as pool:
        for read in pool.map(lambda share: _read_each(share, schema), shares):
            yield from read


def _read_each(paths: list[str], schema: Columns | None) -> list[tuple[str, bytes | pa.Table | str | None]]:
    return [(path, _read(path, schema)) for path in paths]


def _read(path: str, schema: Columns | None) -> bytes | pa.Table | str | None:
    """The file's rows, or what is wrong with it; None if it isn't there."""
    data = _bytes(path)
    if isinstance(data, bytes):
        rows = seal.rows_of(data) if seal.is_whole(data) else b""
        # Otherwise take the slow path: a stranger may have written the rows in another form.
        return rows if rows and _are_of(path, rows) else _table(path, data, schema)
    return data


def _bytes(path: str) -> bytes | str | None:
    try:
        return plain.read(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        return plain.reason(error)


def _table(path: str, data: bytes, schema: Columns | None) -> pa.Table | str:
    whole = seal.is_whole(data)
    if whole is False:
        return seal.BROKEN
    import pyarrow as pa
    import pyarrow.parquet as pq

    from bench.store.arrow import arrow_schema

    try:
        # Not read_table, which takes several times as long for a small file.
        with pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True) as file:
            table = file.read(use_threads=False)
        if schema is None:
            return table
        known = arrow_schema({name: schema[name] for name in schema if name in table.column_names})
        table = table.select(known.names).cast(known)
    except (OSError, ValueError, ArithmeticError, MemoryError, pa.ArrowException) as error:
        return (str(error) or type(error).__name__).splitlines()[0]
    return table if _belongs(path, table, schema) else "doesn't say what a file of this name says"


def _belongs(path: str, table: pa.Table, schema: Columns) -> bool:
    """Whether a file has the columns of its kind, and rows of the trial and attempt of its name."""
    if (_IDENTITY & set(schema)) - set(table.column_names):
        return False
    trial_id, attempt = _named(path)
    return set(table["trial_id"].to_pylist()) <= {trial_id} and (
        attempt is None or table["attempt"].to_pylist() == [attempt]
    )


def _are_of(path: str, rows: bytes) -> bool:
    """The same of rows as lines of JSON, by how each begins when we write it."""
    trial_id, attempt = _named(path)
    number = "" if attempt is None else f' "attempt": {attempt},'
    begins = f'{{"trial_id": "{trial_id}",{number}'.encode()
    lines = rows.split(b"\n")
    return all(line.startswith(begins) for line in lines) and (attempt is None or len(lines) == 1)


def _named(path: str) -> tuple[str, int | None]:
    """The trial that a path says, and the attempt that a record's does."""
    *_, above, folder, name = path.rsplit("/", 3)
    if folder == SUPERSEDED:
        return superseded_trial(name) or "", None
    number = RECORD.fullmatch(name) if folder == ATTEMPTS else None
    return above if folder in (ATTEMPTS, LATER) else folder, int(number[1]) if number else None
