"""Tables: one store's files in a schema of a DuckDB connection, each trial once.

Of every table the schema has two forms: `loose_X`, in memory, with all rows of the trials that are read from their
folders, and the view `X`, which adds the compacted trials from their files, where DuckDB reads only the columns and
row groups that a statement needs.
"""

from __future__ import annotations

import json
import logging
import tempfile
import types
from collections.abc import Collection, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from bench.measures import MEASURES
from bench.store.attempt import ATTEMPT_SCHEMA
from bench.store.layout import Store
from bench.store.results import HISTORY_SCHEMA, MEASURES_SCHEMA
from bench.store.snapshot import Snapshot, find_loose
from bench.trial import FIELDS, SCHEMA, Trial

TABLES = ("trials", "attempts", "history", "measures", "results")

SCHEMAS = {"attempts": ATTEMPT_SCHEMA, "history": HISTORY_SCHEMA, "measures": MEASURES_SCHEMA}
"""Tables whose loose form is Parquet files as they are."""

HIDDEN = ("settings", "trial_schema")
"""Columns of `trials` that make a trial whole again but are no use in SQL: settings as JSON, and its version."""

_SQL = {str: "VARCHAR", int: "BIGINT", float: "DOUBLE", bool: "BOOLEAN", datetime: "TIMESTAMPTZ"}
_log = logging.getLogger(__name__)


def wanted_tables(tables: Iterable[str]) -> set[str]:
    """The tables asked for and those that they are made of."""
    wanted = set(tables)
    return wanted | {"trials", "attempts", "measures"} if "results" in wanted else wanted


def load_loose(
    connection: duckdb.DuckDBPyConnection, schema: str, store: Store, snapshot: Snapshot, tables: Iterable[str]
) -> None:
    """Make the schema and its `loose_` tables."""
    wanted = wanted_tables(tables)
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    connection.execute(f"CREATE TABLE {schema}.changed (trial_id VARCHAR)")
    connection.execute(f"INSERT INTO {schema}.changed SELECT unnest($ids::VARCHAR[])", {"ids": list(snapshot.changed)})
    found = find_loose(store, snapshot) if wanted & set(SCHEMAS) else None
    for table, columns in SCHEMAS.items():
        if table in wanted:
            _load_files(connection, f"{schema}.loose_{table}", columns, getattr(found, table))
            _complete(connection, schema, snapshot, table, getattr(found, table))
    if "trials" in wanted:
        _load_trials(connection, f"{schema}.loose_trials", store, snapshot.new)
        _complete(connection, schema, snapshot, "trials", [])
    if "results" in wanted:
        _make_results(connection, schema)


def make_views(
    connection: duckdb.DuckDBPyConnection,
    schema: str,
    snapshot: Snapshot,
    tables: Iterable[str],
    only: Collection[str] | None = None,
) -> None:
    """Make the views of the tables; `only` keeps them to those trials."""
    if only is not None:
        asked = f"CREATE TABLE {schema}.asked AS SELECT unnest($ids::VARCHAR[]) AS trial_id"
        connection.execute(asked, {"ids": list(only)})
    for table in wanted_tables(tables):
        asked = f" WHERE trial_id IN (FROM {schema}.asked)" if only is not None else ""
        hidden = f" EXCLUDE ({', '.join(HIDDEN)})" if table in ("trials", "results") else ""
        whole = relation(schema, snapshot, table, snapshot.manifest.parts)
        connection.execute(f"CREATE VIEW {schema}.{table} AS SELECT *{hidden} FROM ({whole}){asked}")


def relation(schema: str, snapshot: Snapshot, table: str, parts: Iterable[str]) -> str:
    """SQL for all rows of a table: the loose ones, and those of some parts unless a loose trial replaces them."""
    paths = snapshot.manifest.paths(table, parts)
    loose = f"SELECT * FROM {schema}.loose_{table}"
    if not paths:
        return loose
    kept = f" WHERE trial_id NOT IN (FROM {schema}.changed)" if snapshot.changed else ""
    return f"{loose} UNION ALL BY NAME SELECT * FROM {parquet(paths)}{kept}"


def parquet(paths: Iterable[str], *, by_name: bool = True) -> str:
    """SQL for the rows of Parquet files, by name, because files of an older version may lack columns."""
    listed = ", ".join("'" + path.replace("'", "''") + "'" for path in paths)
    return f"read_parquet([{listed}], union_by_name = {str(by_name).lower()})"


def damaged_files(paths: Iterable[Path]) -> dict[Path, str]:
    """The files that are no whole Parquet files, and what is wrong with each."""
    damaged = {}
    for path in paths:
        try:
            # Not read_table, which takes several times as long for a small file.
            with pq.ParquetFile(path, page_checksum_verification=True) as file:
                file.read()
        except FileNotFoundError:
            continue
        except (OSError, pa.ArrowException) as error:
            damaged[path] = str(error).splitlines()[0]
    return damaged


def _load_files(connection: duckdb.DuckDBPyConnection, name: str, schema: pa.Schema, paths: list[str]) -> None:
    # Not `schema.empty_table()`: making an array imports pandas, which takes as long as all the rest.
    connection.register("incoming", pa.Table.from_batches([], schema))
    connection.execute(f"CREATE TABLE {name} AS SELECT * FROM incoming")
    connection.unregister("incoming")
    try:
        _insert_alike(connection, name, schema, paths)
        return
    except duckdb.Error:
        pass  # A file is of an older version, or damaged.
    try:
        _insert(connection, name, paths)
    except duckdb.Error:
        damaged = damaged_files(map(Path, paths))
        for path, reason in damaged.items():
            _log.warning("%s: damaged, left out: %s; `sambench run` trains its trial again", path, reason)
        # What compaction removed meanwhile is in its newer manifest, which the caller looks for.
        whole = [path for path in paths if Path(path) not in damaged and Path(path).exists()]
        _insert(connection, name, whole)


def _insert_alike(connection: duckdb.DuckDBPyConnection, name: str, schema: pa.Schema, paths: list[str]) -> None:
    """Insert files that all have the schema's columns: faster, since none is opened for its columns first."""
    if not paths:
        return
    with tempfile.NamedTemporaryFile(suffix=".parquet") as first:
        # DuckDB takes the columns from the first file.
        pq.write_table(pa.Table.from_batches([], schema), first.name)
        listed = parquet([first.name, *paths], by_name=False)
        connection.execute(f"INSERT INTO {name} BY NAME SELECT * FROM {listed}")


def _insert(connection: duckdb.DuckDBPyConnection, name: str, paths: list[str]) -> None:
    if paths:
        connection.execute(f"INSERT INTO {name} BY NAME SELECT * FROM {parquet(paths)}")


def _complete(
    connection: duckdb.DuckDBPyConnection, schema: str, snapshot: Snapshot, table: str, paths: list[str]
) -> None:
    """Add to the changed trials' loose rows the compacted ones that they don't replace."""
    if not snapshot.changed:
        return
    replaced = {Path(path).parent.name for path in paths} if table in ("history", "measures") else set()
    connection.execute(
        f"CREATE OR REPLACE TABLE {schema}.loose_{table} AS SELECT * FROM {schema}.loose_{table} UNION ALL BY NAME "
        f"SELECT * FROM {parquet(snapshot.manifest.paths(table))} WHERE trial_id IN (SELECT unnest($ids::VARCHAR[]))",
        {"ids": [trial_id for trial_id in snapshot.changed if trial_id not in replaced]},
    )


def _load_trials(connection: duckdb.DuckDBPyConnection, name: str, store: Store, trial_ids: list[str]) -> None:
    rows: list[dict[str, Any]] = []
    for folder in map(store.folder, trial_ids):
        try:
            stored = json.loads(folder.trial.read_text(encoding="utf-8"))
            settings = stored["fields"].pop("settings")
            kept = {"settings": json.dumps(settings), "trial_schema": stored.get("schema", SCHEMA)}
            rows.append({"trial_id": folder.trial_id, **stored["fields"], **settings, **kept})
        except FileNotFoundError:
            continue
        except (ValueError, KeyError) as error:
            _log.warning("%s: damaged, left out: %s", folder.trial, error)
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


def _make_results(connection: duckdb.DuckDBPyConnection, schema: str) -> None:
    """One row per trial: the done attempt, or else the newest, and the measures of done trials as columns."""
    found = connection.execute(f"SELECT DISTINCT measure FROM {schema}.loose_measures ORDER BY 1").fetchall()
    # The known ones have a column even where nothing is measured yet, so that queries can be written ahead.
    names = dict.fromkeys([*MEASURES, *(name for (name,) in found)])
    columns = "".join(
        f""", max(value) FILTER (measure = '{name}' AND outcome = 'done') AS "{name}" """ for name in names
    )
    connection.execute(
        f"""
        CREATE TABLE {schema}.loose_results AS
        WITH counted AS (
            SELECT * FROM {schema}.loose_attempts
            QUALIFY row_number() OVER (PARTITION BY trial_id ORDER BY outcome = 'done' DESC, attempt DESC) = 1
        ), wide AS (
            SELECT trial_id{columns}
            FROM counted JOIN {schema}.loose_measures USING (trial_id) WHERE settings = '{{}}' GROUP BY trial_id
        )
        SELECT * FROM {schema}.loose_trials LEFT JOIN counted USING (trial_id) LEFT JOIN wide USING (trial_id)
        """
    )
