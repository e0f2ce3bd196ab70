"""Export and import of results: one Parquet file, on this machine or wherever pyarrow's file systems reach."""

from __future__ import annotations

import copy
import importlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import UserError
from bench.store import files
from bench.store.read.query import Readable, connect
from bench.store.store import Store

if TYPE_CHECKING:
    import pyarrow as pa

_URI = re.compile(r"[a-z][a-z0-9+.-]*://")

_AWS = re.compile(r"AWS Error (\w+)(?: \(HTTP.*\))? during \w+ operation: (?:.* Details: )?(.*?)(?: \(Request ID.*)?$")
_REFUSED = ("ACCESS_DENIED", "INVALID_ACCESS_KEY_ID", "SIGNATURE_DOES_NOT_MATCH")
_CREDENTIALS = "credentials are read from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or ~/.aws/credentials"


class Results:
    """The wide table of results, in the form that a notebook wants."""

    def __init__(self, stores: Readable) -> None:
        self._stores = stores

    def arrow(self) -> pa.Table:
        """As an Arrow table."""
        with connect(self._stores, ["results"]) as connection:
            return connection.sql("SELECT * FROM results").to_arrow_table()

    def pandas(self) -> Any:
        """As a pandas data frame; UserError if pandas isn't installed."""
        _load("pandas")
        return self.arrow().to_pandas()

    def polars(self) -> Any:
        """As a polars data frame; UserError if polars isn't installed."""
        return _load("polars").from_arrow(self.arrow())


class Stores:
    """Several stores read as one; a trial that more than one has is taken as `bench.store.read.query` says."""

    def __init__(self, stores: Sequence[Store]) -> None:
        self.stores = tuple(stores)

    def results(self) -> Results:
        """The wide table of results."""
        return Results(self.stores)


def open_stores(*paths: Path | str) -> Stores:
    """The stores at these paths, to be read as one; StoreError if one of them isn't there."""
    if not paths:
        raise UserError("name at least one store")
    return Stores([Store.open(path) for path in paths])


def export(stores: Readable, target: str) -> int:
    """Write the results as one Parquet file to a path or a URI such as s3://bucket/key; how many rows."""
    table = Results(stores).arrow()
    write_table(table, target)
    return table.num_rows


def write_table(table: pa.Table, target: str) -> None:
    """Write a table as one Parquet file to a path or a URI, in one step."""
    data = files.parquet_bytes(table)
    if not _URI.match(target):
        files.put(Path(target), data)
        return
    filesystem, place = _filesystem(target)
    try:
        # An object store shows an object only once it is whole; elsewhere the rename does that.
        temporary = place
        if filesystem.type_name != "s3":
            temporary = f"{place}.tmp"
            filesystem.create_dir(place.rpartition("/")[0])
        with filesystem.open_output_stream(temporary) as sink:
            sink.write(data)
        if temporary != place:
            filesystem.move(temporary, place)
    except OSError as error:
        raise UserError(f"{target}: can't be written: {_reason(error)}") from error


def read_exported(source: str) -> pa.Table:
    """The results that `export` wrote to a path or a URI; UserError if they can't be read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    filesystem, place = _filesystem(source) if _URI.match(source) else (None, source)
    try:
        return pq.read_table(place, filesystem=filesystem)
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"{source}: can't be read as results: {_reason(error)}") from error


def _filesystem(uri: str) -> tuple[Any, str]:
    import pyarrow as pa
    from pyarrow import fs

    try:
        filesystem, place = fs.FileSystem.from_uri(uri)
    except OSError as error:
        raise UserError(f"{uri}: can't be reached: {_reason(error)}") from error
    except pa.ArrowException as error:
        raise UserError(f"{uri}: {error}; write s3://, gs://, hdfs:// or file://") from error
    if filesystem.type_name == "s3" and "/" not in place.rstrip("/"):
        raise UserError(f"{uri}: names a bucket alone: write s3://BUCKET/FILE.parquet")
    # A copy comes from pyarrow's constructor, which gives a server that is silent up after three tries, in seconds;
    # the original goes on for minutes.
    return copy.copy(filesystem), place


def _reason(error: Exception) -> str:
    """Why, in one line, and for S3 what to do about it."""
    told = " ".join(str(error).split())
    found = _AWS.search(told)
    if found is None:
        return "nothing is there" if isinstance(error, FileNotFoundError) else told
    return f"{found[1]}: {found[2].rstrip('.')}" + (f"; {_CREDENTIALS}" if found[1] in _REFUSED else "")


def _load(library: str) -> Any:
    try:
        return importlib.import_module(library)
    except ImportError as error:
        raise UserError(f"{library} isn't installed: install it, or take .arrow(), which needs nothing more") from error
