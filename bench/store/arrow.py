"""Arrow tables from rows and arrays, without pandas, which `pyarrow.array` imports to ask what it was given.

Import it only where a file is written or read directly: importing pyarrow takes as long as a whole query may.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import accumulate
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from bench.store.sql import Columns

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def arrow_schema(columns: Columns) -> pa.Schema:
    """The columns with the types that they have in files."""
    types = {
        "VARCHAR": pa.string(),
        "BIGINT": pa.int64(),
        "DOUBLE": pa.float64(),
        "BOOLEAN": pa.bool_(),
        "TIMESTAMPTZ": pa.timestamp("us", tz="UTC"),
    }
    return pa.schema([(name, types[type_]) for name, type_ in columns.items()])


def table_of(rows: Sequence[Mapping[str, Any]], columns_of: Columns) -> pa.Table:
    """A table of these columns from rows; what a row lacks is null."""
    schema = arrow_schema(columns_of)
    columns = [_column([row.get(field.name) for row in rows], field.type) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def rows_of(table: pa.Table) -> list[dict[str, Any]]:
    """The same as `to_pylist`, which imports pandas for a time."""
    names = table.column_names
    times = {
        field.name: ZoneInfo(field.type.tz) if field.type.tz else None
        for field in table.schema
        if _is_plain_time(field.type) and names.count(field.name) == 1
    }
    columns = [
        table.column(index).cast(pa.int64()) if name in times else table.column(index)
        for index, name in enumerate(names)
    ]
    rows = pa.Table.from_arrays(columns, names=names).to_pylist()
    return [row | {name: _time(row[name], zone) for name, zone in times.items()} for row in rows]


def numbers(values: np.ndarray[Any, Any]) -> pa.Array:
    """An array of one dimension."""
    data = pa.py_buffer(np.ascontiguousarray(values))
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), [None, data])


def strings(values: Sequence[bytes]) -> pa.Array:
    """Texts in UTF-8, of any size together."""
    ends = array("q", accumulate(map(len, values), initial=0))
    return pa.LargeStringArray.from_buffers(len(values), pa.py_buffer(ends), pa.py_buffer(b"".join(values)))


def _column(values: Sequence[Any], type_: pa.DataType) -> pa.Array:
    if pa.types.is_string(type_):
        texts = strings([b"" if value is None else value.encode() for value in values]).buffers()[1:]
        there = _bits([value is not None for value in values])
        return pa.Array.from_buffers(pa.large_string(), len(values), [there, *texts]).cast(type_)
    there = _bits([value is not None for value in values])
    return pa.Array.from_buffers(type_, len(values), [there, _numbers(values, type_)])


def _is_plain_time(type_: pa.DataType) -> bool:
    """Whether it has the resolution of Python's times and the name of a zone, if any, not its offset."""
    return pa.types.is_timestamp(type_) and type_.unit == "us" and (type_.tz is None or type_.tz[0].isalpha())


def _time(microseconds: int | None, zone: tzinfo | None) -> datetime | None:
    if microseconds is None:
        return None
    time = _EPOCH + microseconds * _MICROSECOND
    return time.astimezone(zone) if zone else time.replace(tzinfo=None)


def _numbers(values: Sequence[Any], type_: pa.DataType) -> pa.Buffer:
    if pa.types.is_boolean(type_):
        return _bits([bool(value) for value in values])
    if pa.types.is_timestamp(type_):
        values = [None if value is None else (value - _EPOCH) // _MICROSECOND for value in values]
    code = "d" if pa.types.is_floating(type_) else "q"
    return pa.py_buffer(array(code, [0 if value is None else value for value in values]))


def _bits(values: Sequence[bool]) -> pa.Buffer:
    return pa.py_buffer(np.packbits(np.array(values, dtype=bool), bitorder="little"))
