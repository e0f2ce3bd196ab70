"""Files: every write of the store goes to a temporary name, is flushed to disk and only then gets its name.

A process may be killed at any instant: readers see a file whole or not at all. Files get the permissions of the folder
around them, whatever the umask, because users of one store have different ones.
"""

from __future__ import annotations

import errno
import json
import os
import stat
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from bench.errors import UserError
from bench.store.files import plain, seal, temporary

if TYPE_CHECKING:
    import pyarrow as pa


def write(path: Path, data: bytes, mode: int | None = None, *, flush: bool = True) -> None:
    """Write `data` to `path`, replacing what is there in one step; with the folder's permissions, if no others.

    Without `flush` a power cut may cost it.
    """
    new = _temporary(path, data, mode, flush=flush)
    try:
        os.replace(new, path)
    except OSError:
        new.unlink(missing_ok=True)
        raise
    if flush:
        flush_folder(path.parent)


_PEOPLES = (".yaml", ".yml", ".py")
"""Suffixes of files that people write, which are never overwritten: a sweep could be named as output by mistake."""


def put(path: Path, data: bytes) -> None:
    """Write a file that a user named, in a folder that is made if need be; UserError if it can't be written."""
    if path.suffix.lower() in _PEOPLES and path.exists():
        raise UserError(f"{path}: exists and isn't output of sambench, which would replace it: name another file")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.sweep(path.parent)
        write(path, data, 0o666 & ~UMASK)
    except OSError as error:
        raise UserError(f"{path}: can't be written: {error.strerror}") from error


def create(path: Path, data: bytes) -> None:
    """Write `data` to `path`; FileExistsError if it is there, whoever was first. Atomic on NFS too."""
    new = _temporary(path, data, flush=True)
    try:
        os.link(new, path)
    finally:
        new.unlink()
    flush_folder(path.parent)


def open_log(path: Path) -> TextIO:
    """A log to append to: a plain file of the folder, never one that a link leads to."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    # Somebody else's has its permissions already.
    with suppress(PermissionError):
        os.fchmod(descriptor, file_mode(path.parent))
    return os.fdopen(descriptor, "a", encoding="utf-8")


def make_folder(path: Path) -> None:
    """Make a folder if it isn't there, with the permissions of the one around it."""
    try:
        path.mkdir()
    except FileExistsError:
        if path.is_symlink():
            raise plain.NotPlain(errno.ELOOP, f"{path}: {plain.NOT_FOLLOWED}", str(path)) from None
        if not path.is_dir():
            raise
        return
    # Some file systems have no permissions to give.
    with suppress(PermissionError):
        os.chmod(path, folder_mode(path.parent))


def folder_mode(folder: Path) -> int:
    """Permissions of folders in this one; its group goes on, where it does."""
    return folder.stat().st_mode & (stat.S_ISGID | 0o777)


def file_mode(folder: Path) -> int:
    """Permissions of files in this folder."""
    return folder.stat().st_mode & 0o666


def parquet_bytes(table: pa.Table) -> bytes:
    """`table` as one Parquet file with checksummed pages."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", write_page_checksum=True)
    return sink.getvalue().to_pybytes()


def small_parquet_bytes(table: pa.Table, *, with_rows: bool) -> bytes:
    """The same, sealed, for a table of a few rows, of which there may be tens of thousands.

    Without what helps to read large files only in part, it has a third of the bytes and is read in half the time.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    options = {"use_dictionary": False, "write_statistics": False, "store_schema": False}
    with pq.ParquetWriter(sink, table.schema, compression="zstd", write_page_checksum=True, **options) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata(seal.metadata(_json_lines(table) if with_rows else ""))
    return seal.seal(sink.getvalue().to_pybytes())


def _json_lines(table: pa.Table) -> str:
    try:
        from bench.store.arrow import rows_of

        rows = rows_of(table)
        return "\n".join(json.dumps(row, default=datetime.isoformat, allow_nan=False) for row in rows)
    except ValueError:
        # nan and infinity have no JSON: such rows are read from the columns.
        return ""


def flush_folder(folder: Path) -> None:
    """Make a rename or link in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _temporary(path: Path, data: bytes, mode: int | None = None, *, flush: bool = True) -> Path:
    new = path.parent / temporary.new_name()
    # Private until it is whole.
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
            if flush:
                file.flush()
                os.fsync(file.fileno())
        os.chmod(new, file_mode(path.parent) if mode is None else mode)
    except OSError as error:
        new.unlink()
        # Errors on an open file don't name it.
        error.filename = error.filename or str(path)
        raise
    return new


def _current_umask() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return umask


UMASK = _current_umask()
"""What this process doesn't allow others."""
