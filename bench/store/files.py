"""Files: every write of the store goes to a temporary name, is flushed to disk and only then gets its name.

A process may be killed at any instant: readers see a file whole or not at all.
"""

from __future__ import annotations

import json
import os
import tempfile
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from bench.errors import UserError
from bench.store import seal


def write(path: Path, data: bytes) -> None:
    """Write `data` to `path`, replacing what is there in one step."""
    temporary = _flushed_temporary(path, data)
    os.replace(temporary, path)
    flush_folder(path.parent)


def put(path: Path, data: bytes) -> None:
    """Write a file that a user named, in a folder that is made if need be; UserError if it can't be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, data)
    except OSError as error:
        raise UserError(f"{path}: can't be written: {error.strerror}") from error


def create(path: Path, data: bytes) -> None:
    """Write `data` to `path`; FileExistsError if it is there, whoever was first. Atomic on NFS too."""
    temporary = _flushed_temporary(path, data)
    try:
        os.link(temporary, path)
    finally:
        os.unlink(temporary)
    flush_folder(path.parent)


def parquet_bytes(table: pa.Table) -> bytes:
    """`table` as one Parquet file with checksummed pages."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", write_page_checksum=True)
    return sink.getvalue().to_pybytes()


def small_parquet_bytes(table: pa.Table, *, with_rows: bool) -> bytes:
    """The same, sealed, for a table of a few rows, of which there may be tens of thousands.

    Without what helps to read large files only in part, it has a third of the bytes and is read in half the time.
    """
    sink = pa.BufferOutputStream()
    options = {"use_dictionary": False, "write_statistics": False, "store_schema": False}
    with pq.ParquetWriter(sink, table.schema, compression="zstd", write_page_checksum=True, **options) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata(seal.metadata(_json_lines(table) if with_rows else ""))
    return seal.seal(sink.getvalue().to_pybytes())


def _json_lines(table: pa.Table) -> str:
    try:
        rows = table.to_pylist()
        return "\n".join(json.dumps(row, default=datetime.isoformat, allow_nan=False) for row in rows)
    except ValueError:
        # What is no number in JSON is read from the columns.
        return ""


def flush_folder(folder: Path) -> None:
    """Make a rename or link in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _flushed_temporary(path: Path, data: bytes) -> str:
    descriptor, temporary = tempfile.mkstemp(prefix=".tmp-", dir=path.parent)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_UMASK)
    except OSError:
        os.unlink(temporary)
        raise
    return temporary


def _current_umask() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return umask


# Temporary files are private by default; in a shared store colleagues must be able to read results.
_UMASK = _current_umask()
