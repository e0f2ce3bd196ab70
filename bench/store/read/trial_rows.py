"""Trial rows: every loose trial's description as one row, with each setting as a column."""

from __future__ import annotations

import json
import re
import types
from collections.abc import Collection, Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin, get_type_hints

from bench.store import sql
from bench.store.files import plain
from bench.store.folder import TRIAL, check_description
from bench.store.store import Store
from bench.trial import FIELDS, SCHEMA, Trial

if TYPE_CHECKING:
    import duckdb

HIDDEN = ("settings",)
"""Columns of `trials` that make a trial whole again but are no use in SQL: settings as JSON."""

SCHEMA_COLUMN = "trial_schema"
"""Schema that the trial was recorded under."""

_SQL = {str: "VARCHAR", int: "BIGINT", float: "DOUBLE", bool: "BOOLEAN", datetime: "TIMESTAMPTZ"}
_FOUND = {"UBIGINT": "BIGINT", "BIGINT": "BIGINT", "DOUBLE": "DOUBLE", "BOOLEAN": "BOOLEAN"}
"""Type that DuckDB found in JSON → type of the column; text for any other, as where numbers and words are mixed."""
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
"""Fields and settings are called like arguments in Python."""
_NONE = {"none": "VARCHAR"}
"""DuckDB has no structure without members."""


def load_trials(
    connection: duckdb.DuckDBPyConnection, name: str, store: Store, trial_ids: Iterable[str]
) -> dict[Path, str]:
    """Make the table `name` of these trials; the descriptions that are left out, and why."""
    connection.execute(f"CREATE TABLE {name}_json AS SELECT ''::VARCHAR AS trial_id, ''::JSON AS trial LIMIT 0")
    texts, left_out = _gather(store, trial_ids)
    connection.execute(
        f"""INSERT INTO {name}_json SELECT trial_id, text::JSON AS trial
        FROM (
            SELECT * FROM (SELECT unnest($ids::VARCHAR[]) AS trial_id, unnest($texts::VARCHAR[]) AS text)
            WHERE json_valid(text)
        ) WHERE json_type(trial, '$.fields.settings') = 'OBJECT'""",
        # Passed as parameters, which no text can break out of.
        {"ids": list(texts), "texts": list(texts.values())},
    )
    whole = {trial_id for (trial_id,) in connection.execute(f"SELECT trial_id FROM {name}_json").fetchall()}
    left_out |= {store.folder(trial_id).trial: "describes no trial" for trial_id in texts.keys() - whole}
    left_out |= _drop_odd(connection, name, store)
    _make_columns(connection, name)
    connection.execute(f"DROP TABLE {name}_json")
    return left_out


def _gather(store: Store, trial_ids: Iterable[str]) -> tuple[dict[str, str], dict[Path, str]]:
    """Each description that is there, as it is: DuckDB parses them faster; and those that are left out."""
    folder, found, left_out = str(store.trials), dict[str, str](), dict[Path, str]()
    for trial_id in trial_ids:
        # A string, not a path: there may be tens of thousands.
        path = f"{folder}/{trial_id}/{TRIAL}"
        try:
            text = plain.read(path)
            check_description(trial_id, text)
            decoded = text.decode()
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:
            left_out[Path(path)] = plain.reason(error)
        else:
            found[trial_id] = decoded
    return found, left_out


def _drop_odd(connection: duckdb.DuckDBPyConnection, name: str, store: Store) -> dict[Path, str]:
    """Leave out trials with a field or setting that is no name, or that would take the place of another; and why."""
    fields, settings = (_structure(connection, name, path) for path in ("$.fields", "$.fields.settings"))
    odd = {
        "$.fields": _odd(fields, ["trial_id", SCHEMA_COLUMN, *FIELDS], allowed=FIELDS),
        "$.fields.settings": _odd(settings, ["trial_id", SCHEMA_COLUMN, *HIDDEN, *FIELDS, *fields]),
    }
    left_out: dict[Path, str] = {}
    for path, keys in odd.items():
        if keys:
            there = f"list_has_any(json_keys(trial, '{path}'), $keys::VARCHAR[])"
            found = connection.execute(f"SELECT trial_id FROM {name}_json WHERE {there}", {"keys": keys}).fetchall()
            connection.execute(f"DELETE FROM {name}_json WHERE {there}", {"keys": keys})
            told = f"has what can't be a column ({', '.join(map(repr, keys))})"
            left_out |= {store.folder(trial_id).trial: told for (trial_id,) in found}
    return left_out


def _odd(found: Iterable[str], taken: Iterable[str], allowed: Collection[str] = ()) -> list[str]:
    """Those that aren't plain names, or equal a taken name but for case."""
    used, odd = {name.lower() for name in taken}, []
    for key in found:
        if key in allowed:
            continue
        if not _PLAIN.fullmatch(key) or key.lower() in used:
            odd.append(key)
        used.add(key.lower())
    return odd


def _make_columns(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    settings = _members(connection, name, "$.fields.settings")
    # Trials of another version may have fields that this one doesn't know.
    found = dict.fromkeys(FIELDS, "") | _members(connection, name, "$.fields")
    fields = {column: FIELD_TYPES.get(column, kind) for column, kind in found.items() if column not in HIDDEN}
    columns = dict.fromkeys(fields, "fields") | dict.fromkeys(settings, "settings")
    # All of them at once, which takes a tenth of the time of one after the other.
    connection.execute(
        f"""CREATE TABLE {name} AS SELECT trial_id,
            {"".join(f"{place}.{sql.name(column)}, " for column, place in columns.items())}
            trial ->> '$.fields.settings' AS settings,
            coalesce((trial ->> '$.schema')::BIGINT, {SCHEMA}) AS {SCHEMA_COLUMN}
        FROM (
            SELECT *, from_json(trial -> '$.fields', {sql.literal(json.dumps(fields or _NONE))}) AS fields,
                from_json(trial -> '$.fields.settings', {sql.literal(json.dumps(settings or _NONE))}) AS settings
            FROM {name}_json
        )"""
    )


def _members(connection: duckdb.DuckDBPyConnection, name: str, path: str) -> dict[str, str]:
    """The members that objects at this path have in any trial, with a type that holds all values."""
    found = _structure(connection, name, path)
    return {column: _FOUND.get(str(kind), "VARCHAR") for column, kind in found.items()}


def _structure(connection: duckdb.DuckDBPyConnection, name: str, path: str) -> dict[str, Any]:
    row = connection.execute(f"SELECT json_group_structure(trial -> {sql.literal(path)}) FROM {name}_json").fetchone()
    found = json.loads(row[0]) if row and row[0] else {}
    # If all are empty, DuckDB returns no object.
    return found if isinstance(found, dict) else {}


def _field_type(hint: Any) -> str:
    while get_origin(hint) in (Union, types.UnionType):
        hint = next(member for member in get_args(hint) if member is not type(None))
    return _SQL.get(hint, "VARCHAR")


_HINTS = get_type_hints(Trial)
FIELD_TYPES = {"trial_id": "VARCHAR", SCHEMA_COLUMN: "BIGINT"} | {name: _field_type(_HINTS[name]) for name in FIELDS}
"""Types of the columns that every trial has; fixed, so that files of different trials agree."""
