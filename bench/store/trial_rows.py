"""Trial rows: every loose trial's description as one row, with each setting as a column."""

from __future__ import annotations

import json
import tempfile
import types
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Union, get_args, get_origin, get_type_hints

import duckdb

from bench.store.folder import TRIAL, check_description
from bench.store.layout import Store
from bench.trial import FIELDS, SCHEMA, Trial

HIDDEN = ("settings", "trial_schema")
"""Columns of `trials` that make a trial whole again but are no use in SQL: settings as JSON, and its version."""

_SQL = {str: "VARCHAR", int: "BIGINT", float: "DOUBLE", bool: "BOOLEAN", datetime: "TIMESTAMPTZ"}
_FOUND = {"UBIGINT": "BIGINT", "BIGINT": "BIGINT", "DOUBLE": "DOUBLE", "BOOLEAN": "BOOLEAN"}
"""Type that DuckDB found in JSON → type of the column; text for any other, as where numbers and words are mixed."""
_NONE = {"none": "VARCHAR"}
"""DuckDB has no structure without members."""


def load_trials(
    connection: duckdb.DuckDBPyConnection, name: str, store: Store, trial_ids: Iterable[str]
) -> dict[Path, str]:
    """Make the table `name` of these trials; the descriptions that are damaged, and what is wrong with each."""
    connection.execute(f"CREATE TABLE {name}_json AS SELECT ''::VARCHAR AS trial_id, ''::JSON AS trial LIMIT 0")
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as lines:
        written, damaged = _gather(store, trial_ids, lines)
        connection.execute(
            f"""INSERT INTO {name}_json SELECT * FROM read_json({_quoted(lines.name)}, ignore_errors = true,
                format = 'newline_delimited', columns = {{trial_id: 'VARCHAR', trial: 'JSON'}})
            WHERE json_type(trial, '$.fields.settings') = 'OBJECT'"""
        )
    whole = {trial_id for (trial_id,) in connection.execute(f"SELECT trial_id FROM {name}_json").fetchall()}
    damaged |= {store.folder(trial_id).trial: "describes no trial" for trial_id in written - whole}
    _make_columns(connection, name)
    connection.execute(f"DROP TABLE {name}_json")
    return damaged


def _gather(store: Store, trial_ids: Iterable[str], lines: IO[str]) -> tuple[set[str], dict[Path, str]]:
    """Write a line for each description that is there, as it is: DuckDB parses them faster; of which trials."""
    folder, written, damaged = str(store.trials), set(), {}
    for trial_id in trial_ids:
        # A string, not a path: there may be tens of thousands.
        path = f"{folder}/{trial_id}/{TRIAL}"
        try:
            with open(path, "rb", buffering=0) as file:
                data = file.read()
            check_description(trial_id, data)
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:
            damaged[Path(path)] = str(error)
        else:
            # In a string of JSON no line ends.
            text = data.decode().replace("\n", "")
            lines.write(f'{{"trial_id": "{trial_id}", "trial": {text}}}\n')
            written.add(trial_id)
    lines.flush()
    return written, damaged


def _make_columns(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    settings = _members(connection, name, "$.fields.settings")
    # Trials of another version may have fields that this one doesn't know.
    found = dict.fromkeys(FIELDS, "") | _members(connection, name, "$.fields")
    fields = {column: FIELD_TYPES.get(column, kind) for column, kind in found.items() if column not in HIDDEN}
    columns = dict.fromkeys(fields, "fields") | dict.fromkeys(settings, "settings")
    # All of them at once, which takes a tenth of the time of one after the other.
    connection.execute(
        f"""CREATE TABLE {name} AS SELECT trial_id,
            {"".join(f'{place}."{column}", ' for column, place in columns.items())}
            trial ->> '$.fields.settings' AS settings,
            coalesce((trial ->> '$.schema')::BIGINT, {SCHEMA}) AS trial_schema
        FROM (
            SELECT *, from_json(trial -> '$.fields', {_quoted(json.dumps(fields or _NONE))}) AS fields,
                from_json(trial -> '$.fields.settings', {_quoted(json.dumps(settings or _NONE))}) AS settings
            FROM {name}_json
        )"""
    )


def _members(connection: duckdb.DuckDBPyConnection, name: str, path: str) -> dict[str, str]:
    """The members that objects at this path have in any trial, with a type that holds all values."""
    row = connection.execute(f"SELECT json_group_structure(trial -> {_quoted(path)}) FROM {name}_json").fetchone()
    found = json.loads(row[0]) if row and row[0] else {}
    # Where all are empty, DuckDB gives no object.
    return {column: _FOUND.get(str(kind), "VARCHAR") for column, kind in found.items()} if found != "JSON" else {}


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _field_type(hint: Any) -> str:
    while get_origin(hint) in (Union, types.UnionType):
        hint = next(member for member in get_args(hint) if member is not type(None))
    return _SQL.get(hint, "VARCHAR")


_HINTS = get_type_hints(Trial)
FIELD_TYPES = {"trial_id": "VARCHAR", "trial_schema": "BIGINT"} | {name: _field_type(_HINTS[name]) for name in FIELDS}
"""Types of the columns that every trial has; fixed, so that files of different trials agree."""
