"""What tests compare of a store: every row of every table, and the loose files."""

from __future__ import annotations

from typing import Any

from bench.store import TABLES, Store, connect


def contents(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, columns by name."""
    read = {}
    with connect(store) as connection:
        for table in TABLES:
            rows = connection.sql(f"SELECT * FROM {table}").to_arrow_table().to_pylist()
            read[table] = sorted((tuple(sorted(row.items())) for row in rows), key=repr)
    return read


def loose(store: Store) -> list[str]:
    return sorted(str(path.relative_to(store.root / "trials")) for path in store.root.glob("trials/*/**/*.parquet"))
