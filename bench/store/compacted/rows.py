"""Rows: those of one trial in a large Parquet file that is sorted by trial, without reading the rest of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def rows_of(path: Path, trial_id: str, columns: list[str]) -> list[dict[str, Any]]:
    """The trial's rows; reads only the row groups that may have it."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        place = file.schema_arrow.get_field_index("trial_id")
        wanted = []
        for number in range(file.num_row_groups):
            bounds = file.metadata.row_group(number).column(place).statistics
            if bounds is None or not bounds.has_min_max or bounds.min <= trial_id <= bounds.max:
                wanted.append(number)
        if not wanted:
            return []
        found = file.read_row_groups(wanted, columns=["trial_id"])["trial_id"].to_pylist()
        places = [place for place, value in enumerate(found) if value == trial_id]
        if not places:
            return []
        table = file.read_row_groups(wanted, columns=columns).slice(places[0], places[-1] - places[0] + 1)
        return table.to_pylist()
