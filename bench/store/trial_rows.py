"""Trial rows: every loose `trial.json` as one row, with each setting as a column."""

from __future__ import annotations

import json
import logging
import tempfile
import types
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Union, get_args, get_origin, get_type_hints

import duckdb

from bench.store.folder import TRIAL
from bench.store.layout import Store
from bench.trial import FIELDS, SCHEMA, Trial

HIDDEN = ("settings", "trial_schema")
"""Columns of `trials` that make a trial whole again but are no use in SQL: settings as JSON, and its version."""

_SQL = {str: "VARCHAR", int: "BIGINT", float: "DOUBLE", bool: "BOOLEAN", datetime: "TIMESTAMPTZ"}
_log = logging.getLogger(__name__)


def load_trials(connection: duckdb.DuckDBPyConnection, name: str, store: Store, trial_ids: Iterable[str]) -> None:
    """Make the table `name` of these trials; what is damaged is left out with a warning."""
    folder, found = str(store.trials), defaultdict[str, set[type]](set)
    # As lines of JSON in a file, which DuckDB reads in a tenth of the time of one long value. Not as Arrow arrays:
    # making those imports pandas, which takes as long as all the rest.
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as lines:
        for trial_id in trial_ids:
            # A string, not a path: there may be tens of thousands.
            path = f"{folder}/{trial_id}/{TRIAL}"
            try:
                with open(path, "rb") as file:
                    stored = json.loads(file.read())
                fields, settings = stored["fields"], stored["fields"].pop("settings")
                kept = {"settings": json.dumps(settings), "trial_schema": stored.get("schema", SCHEMA)}
                line = json.dumps({"trial_id": trial_id, **fields, **settings, **kept})
            except FileNotFoundError:
                continue
            except (ValueError, KeyError, TypeError) as error:
                _log.warning("%s: damaged, left out: %s", path, error)
                continue
            lines.write(line + "\n")
            for each in (fields, settings):
                for column, value in each.items():
                    found[column].add(type(value))
        lines.flush()
        columns = dict.fromkeys(["trial_id", *(field for field in FIELDS if field not in HIDDEN), *found, *HIDDEN])
        types = (f"{_quoted(column)}: {FIELD_TYPES.get(column) or _type(found[column])!r}" for column in columns)
        source = f"read_json({_quoted(lines.name)}, format = 'newline_delimited', columns = {{{', '.join(types)}}})"
        connection.execute(f"CREATE TABLE {name} AS SELECT * FROM {source}")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _type(found: set[type]) -> str:
    """The type of a setting's column; text where it takes both numbers and words."""
    found = found - {type(None)}
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
