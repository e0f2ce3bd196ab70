"""Query: the store's files as SQL tables, by DuckDB.

| table | one row per |
|---|---|
| `trials` | trial: its fields, with every setting as a column of its own |
| `attempts` | try at a trial, with provenance and outcome |
| `history` | trial and epoch |
| `measures` | trial, measure and settings |
| `results` | trial: fields, the attempt that counts, and each measure as a column |

The tables that a statement names are loaded, then the connection is cut off from the file system: SQL can
neither write nor read another file.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from bench.errors import UserError
from bench.measures import MEASURES
from bench.store.attempt import ATTEMPT_SCHEMA
from bench.store.layout import Store
from bench.store.results import HISTORY_SCHEMA, MEASURES_SCHEMA
from bench.trial import FIELDS, Trial

TABLES = ("trials", "attempts", "history", "measures", "results")

_FILES = {
    "attempts": ("trials/*/attempts/*.parquet", ATTEMPT_SCHEMA),
    "history": ("trials/*/history.parquet", HISTORY_SCHEMA),
    "measures": ("trials/*/measures.parquet", MEASURES_SCHEMA),
}
_ANNOTATIONS = {field.name: str(field.type) for field in fields(Trial)}
_log = logging.getLogger(__name__)


class QueryError(UserError):
    """A statement that can't be answered, in the words of DuckDB or ours."""


def connect(store: Store, tables: Iterable[str] = TABLES) -> duckdb.DuckDBPyConnection:
    """A connection that holds `tables` in memory and can reach nothing else."""
    wanted = set(tables)
    if "results" in wanted:
        wanted |= {"trials", "attempts", "measures"}
    connection = duckdb.connect(":memory:", config={"python_enable_replacements": False})
    for table in _FILES:
        if table in wanted:
            _load(connection, store, table)
    if "trials" in wanted:
        _create_trials(connection, store)
    if "results" in wanted:
        _create_results(connection)
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def query(store: Store, sql: str) -> pa.Table:
    """The rows that one SELECT gives; QueryError if it is wrong or no SELECT."""
    try:
        statements = duckdb.extract_statements(sql)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise QueryError("the store is read-only: write one SELECT statement")
        named = set(re.findall(r"\w+", sql.lower())) & set(TABLES)
        return connect(store, named or TABLES).sql(sql).to_arrow_table()
    except duckdb.Error as error:
        raise QueryError(str(error)) from error


def damaged_files(paths: Iterable[Path]) -> dict[Path, str]:
    """The files that are no whole Parquet files, and what is wrong with each."""
    damaged = {}
    for path in paths:
        try:
            pq.read_table(path, page_checksum_verification=True)
        except FileNotFoundError:
            continue
        except (OSError, pa.ArrowException) as error:
            damaged[path] = str(error).splitlines()[0]
    return damaged


def _load(connection: duckdb.DuckDBPyConnection, store: Store, table: str) -> None:
    pattern, schema = _FILES[table]
    # Not `schema.empty_table()`: making an array imports pandas, which takes as long as all the rest.
    _create(connection, table, pa.Table.from_batches([], schema))
    paths = sorted(store.root.glob(pattern))
    try:
        _insert(connection, table, paths)
    except duckdb.Error:
        damaged = damaged_files(paths)
        for path, reason in damaged.items():
            _log.warning("%s: damaged, left out: %s; `sambench run` trains its trial again", path, reason)
        _insert(connection, table, [path for path in paths if path not in damaged])


def _insert(connection: duckdb.DuckDBPyConnection, table: str, paths: list[Path]) -> None:
    if paths:
        # By name, because files of an older version may lack columns.
        connection.execute(
            f"INSERT INTO {table} BY NAME SELECT * FROM read_parquet($paths, union_by_name = true)",
            {"paths": [str(path) for path in paths]},
        )


def _create_trials(connection: duckdb.DuckDBPyConnection, store: Store) -> None:
    rows: list[dict[str, Any]] = []
    for folder in store.folders():
        try:
            stored = json.loads(folder.trial.read_text(encoding="utf-8"))
            settings = stored["fields"].pop("settings")
            rows.append({"trial_id": folder.trial_id, **stored["fields"], **settings})
        except FileNotFoundError:
            continue
        except (ValueError, KeyError) as error:
            _log.warning("%s: damaged, left out: %s", folder.trial, error)
    columns = dict.fromkeys(["trial_id", *(field for field in FIELDS if field != "settings")])
    columns |= dict.fromkeys(name for row in rows for name in row)
    types = {name: _sql_type(name, [row.get(name) for row in rows]) for name in columns}
    # As JSON rather than as Arrow arrays: making those imports pandas, which takes as long as all the rest.
    connection.execute(
        "CREATE TABLE trials AS SELECT unnest(from_json($rows::JSON, $types), recursive := true)",
        {"rows": json.dumps(rows), "types": json.dumps([types])},
    )


def _sql_type(name: str, values: list[Any]) -> str:
    """The type of a column; text where a setting takes both numbers and words, the field's own where all is empty."""
    found = {type(value) for value in values if value is not None}
    if not found:
        return "DOUBLE" if "float" in _ANNOTATIONS.get(name, "") else "VARCHAR"
    if found <= {int, float}:
        return "BIGINT" if found == {int} else "DOUBLE"
    return "BOOLEAN" if found == {bool} else "VARCHAR"


def _create(connection: duckdb.DuckDBPyConnection, table: str, data: pa.Table) -> None:
    connection.register("incoming", data)
    connection.execute(f"CREATE TABLE {table} AS SELECT * FROM incoming")
    connection.unregister("incoming")


def _create_results(connection: duckdb.DuckDBPyConnection) -> None:
    """One row per trial: the done attempt, or else the newest, and the measures of done trials as columns."""
    found = connection.execute("SELECT DISTINCT measure FROM measures ORDER BY 1").fetchall()
    # The known ones have a column even where nothing is measured yet, so that queries can be written ahead.
    names = dict.fromkeys([*MEASURES, *(name for (name,) in found)])
    columns = "".join(
        f""", max(value) FILTER (measure = '{name}' AND outcome = 'done') AS "{name}" """ for name in names
    )
    connection.execute(
        f"""
        CREATE TABLE results AS
        WITH counted AS (
            SELECT * FROM attempts
            QUALIFY row_number() OVER (PARTITION BY trial_id ORDER BY outcome = 'done' DESC, attempt DESC) = 1
        ), wide AS (
            SELECT trial_id{columns}
            FROM counted JOIN measures USING (trial_id) WHERE settings = '{{}}' GROUP BY trial_id
        )
        SELECT * FROM trials LEFT JOIN counted USING (trial_id) LEFT JOIN wide USING (trial_id)
        """
    )
