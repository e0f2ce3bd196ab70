"""Tables from rows and rows from tables: as pyarrow makes them, without pandas."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pyarrow as pa
import pytest

from bench.store import arrow
from bench.store.attempt import ATTEMPT_SCHEMA

COLUMNS = {"text": "VARCHAR", "float": "DOUBLE", "whole": "BIGINT", "flag": "BOOLEAN", "time": "TIMESTAMPTZ"}
SCHEMA = arrow.arrow_schema(COLUMNS)
EAST = timezone(timedelta(hours=5, minutes=30))
ROWS = [
    {"text": "γ = ½", "float": 1, "whole": -(2**63), "flag": True, "time": datetime(1969, 7, 20, 20, 17, 40, 1, UTC)},
    {"other": 1},
    {"text": "", "float": float("-inf"), "whole": 2**63 - 1, "flag": False, "time": datetime(2026, 1, 1, tzinfo=EAST)},
]


@pytest.mark.parametrize("rows", [[], ROWS[:1], ROWS, ROWS * 7])
def test_a_table_of_rows_is_as_pyarrow_makes_it(rows: list[dict[str, object]]) -> None:
    made = arrow.table_of(rows, COLUMNS)
    made.validate(full=True)
    assert made.equals(pa.Table.from_pylist(rows, schema=SCHEMA))
    assert arrow.rows_of(made) == made.to_pylist()


def test_times_of_any_kind_are_as_pyarrow_reads_them() -> None:
    zones = [None, "UTC", "Etc/UTC", "Asia/Kolkata", "+05:30"]
    for unit, zone in [*(("us", zone) for zone in zones), ("ms", "UTC"), ("s", None)]:
        column = pa.array([datetime(1950, 3, 4), datetime(2026, 7, 1, 12, 30), None]).cast(pa.timestamp(unit, tz=zone))
        table = pa.table({"time": column, "whole": [1, 2, 3]})
        assert str(arrow.rows_of(table)[1]["time"]) == str(table.to_pylist()[1]["time"])
        assert arrow.rows_of(table) == table.to_pylist()
    twice = pa.Table.from_arrays([column, pa.array(["two", "of", "a name"])], names=["time", "time"])
    assert arrow.rows_of(twice) == twice.to_pylist()


def test_arrays_of_numpy_are_as_pyarrow_takes_them() -> None:
    for type_ in (np.int64, np.float32, np.float16):
        values = np.arange(-3, 11).astype(type_)[::2]
        assert arrow.numbers(values).equals(pa.array(values))


def test_pandas_is_not_imported() -> None:
    code = (
        "import sys; from datetime import datetime, UTC; from bench.store import arrow, attempt;"
        "table = arrow.table_of([{'started': datetime.now(UTC)}], attempt.ATTEMPT_SCHEMA);"
        "arrow.rows_of(table); sys.exit('pandas' in sys.modules)"
    )
    assert "started" in ATTEMPT_SCHEMA
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
