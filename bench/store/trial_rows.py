"""Trial rows: every loose `trial.json` as one row, with each setting as a column."""

from __future__ import annotations

import json
import logging
import types
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Union, get_args, get_origin, get_type_hints

import duckdb

from bench.store.layout import Store
from bench.trial import FIELDS, SCHEMA, Trial

HIDDEN = ("settings", "trial_schema")
"""Columns of `trials` that make a trial whole again but are no use in SQL: settings as JSON, and its version."""

_SQL = {str: "VARCHAR", int: "BIGINT", float: "DOUBLE", bool: "BOOLEAN", datetime: "TIMESTAMPTZ"}
_log = logging.getLogger(__name__)


def load_trials(connection: duckdb.DuckDBPyConnection, name: str, store: Store, trial_ids: Iterable[str]) -> None:
    """Make the table `name` of these trials; what is damaged is left out with a warning."""
    rows: list[dict[str, Any]] = []
    for trial_id in trial_ids:
        path = store.folder(trial_id).trial
        try:
            with open(path, "rb") as file:
                stored = json.loads(file.read())
            settings = stored["fields"].pop("settings")
            kept = {"settings": json.dumps(settings), "trial_schema": stored.get("schema", SCHEMA)}
            rows.append({"trial_id": trial_id, **stored["fields"], **settings, **kept})
        except FileNotFoundError:
            continue
        except (ValueError, KeyError) as error:
            _log.warning("%s: damaged, left out: %s", path, error)
    columns = dict.fromkeys(["trial_id", *(field for field in FIELDS if field != "settings")])
    columns |= dict.fromkeys(name for row in rows for name in row if name not in HIDDEN) | dict.fromkeys(HIDDEN)
    types = {name: FIELD_TYPES.get(name) or _setting_type([row.get(name) for row in rows]) for name in columns}
    # As JSON rather than as Arrow arrays: making those imports pandas, which takes as long as all the rest.
    connection.execute(
        f"CREATE TABLE {name} AS SELECT unnest(from_json($rows::JSON, $types), recursive := true)",
        {"rows": json.dumps(rows), "types": json.dumps([types])},
    )


def _setting_type(values: list[Any]) -> str:
    """The type of a setting's column; text where it takes both numbers and words."""
    found = {type(value) for value in values if value is not None}
    if found <= {int, float}:
        return "BIGINT" if found == {int} else "DOUBLE"
    return "BOOLEAN" if found == {bool} else "VARCHAR"


def _field_type(hint: Any) -> str:
    while get_origin(hint) in (Union, types.UnionType):
        hint = next(member for member in get_args(hint) if member is not type(None))
    return _SQL.get(hint, "VARCHAR")


_HINTS = get_type_hints(Trial)
FIELD_TYPES = {"trial_id": "VARCHAR", "trial_schema": "BIGINT"} | {name: _field_type(_HINTS[name]) for name in FIELDS}
"""Types of the columns that every trial has; fixed, so that files of different trials agree."""
