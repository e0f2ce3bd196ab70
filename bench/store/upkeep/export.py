"""Export and import of results: one Parquet file, on this machine or wherever pyarrow's file systems reach."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import UserError
from bench.store import files, remote
from bench.store.read.query import Readable, connect
from bench.store.store import Store

if TYPE_CHECKING:
    import pyarrow as pa

_EXAMPLE = "FILE.parquet"


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
    """Open the stores at these paths and read them as one; StoreError if one doesn't exist."""
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
    if remote.address_of(target) is None:
        files.put(Path(target), data)
        return
    filesystem, place = remote.filesystem(target, example=_EXAMPLE)
    with remote.told(f"{target}: can't be written"):
        # An object store shows an object only once it is whole; elsewhere the rename does that.
        temporary = place
        if not remote.is_object_store(filesystem):
            temporary = f"{place}.tmp"
            filesystem.create_dir(place.rpartition("/")[0])
        with filesystem.open_output_stream(temporary) as sink:
            sink.write(data)
        if temporary != place:
            filesystem.move(temporary, place)


def read_exported(source: str) -> pa.Table:
    """The results that `export` wrote to a path or a URI; UserError if they can't be read."""
    import pyarrow.parquet as pq

    found = remote.address_of(source)
    filesystem, place = remote.filesystem(source, example=_EXAMPLE) if found else (None, source)
    with remote.told(f"{source}: can't be read as results"):
        return pq.read_table(place, filesystem=filesystem)


def _load(library: str) -> Any:
    try:
        return importlib.import_module(library)
    except ImportError as error:
        raise UserError(f"{library} isn't installed: install it, or take .arrow(), which needs nothing more") from error
