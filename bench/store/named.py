"""Named columns: which of a table's columns a statement may ask for, so that the others need not be loaded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import duckdb

_ALL = frozenset({"STAR", "SHOW_REF", "PIVOT", "POSITIONAL_REFERENCE", "TABLE_FUNCTION"})
"""Kinds of parts of a statement that may stand for columns which they don't name."""


def named_columns(sql: str) -> set[str] | None:
    """Names in lower case, among them every column that the SELECT asks for; None if it may ask for any."""
    parsed = json.loads(_serialized(sql))
    if parsed["error"]:
        return None
    parts = list(_parts(parsed))
    tables = [part for part in parts if part.get("type") == "BASE_TABLE"]
    rows = {name.lower() for table in tables for name in (table["alias"], table["table_name"])}
    for part in parts:
        renames = part.get("type") == "BASE_TABLE" and part.get("column_name_alias")
        if part.get("type") in _ALL or part.get("ref_type") == "NATURAL" or renames:
            return None
        if part.get("type") == "COLUMN_REF" and part["column_names"][-1].lower() in rows:
            # A whole row, as a struct.
            return None
    # In `results`, DuckDB appends `_1` to a column that both the trial and its attempt have.
    names = {text.lower() for part in parts for text in _texts(part)}
    return names | {name.removesuffix("_1") for name in names}


def _serialized(sql: str) -> str:
    with duckdb.connect(":memory:") as connection:
        row = connection.execute("SELECT json_serialize_sql($sql)", {"sql": sql}).fetchone()
    assert row is not None
    return str(row[0])


def _parts(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in a JSON value, but for ORDER BY ALL, which stands for what is selected."""
    if isinstance(value, dict):
        yield value
        for key, inner in value.items():
            yield from _parts([part for part in inner if not _orders_all(part)] if key == "modifiers" else inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _parts(inner)


def _orders_all(modifier: dict[str, Any]) -> bool:
    keys = [order["expression"] for order in modifier.get("orders", ())]
    return bool(keys) and all(key["type"] == "STAR" and key.get("expr") is None for key in keys)


def _texts(part: dict[str, Any]) -> Iterator[str]:
    """Words of an object, alone or in a list."""
    for value in part.values():
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str):
                yield text
