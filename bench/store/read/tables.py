"""Tables: one store's files in a schema of a DuckDB connection, each trial once.

Of every table the schema has two forms: `loose_X`, in memory, with all rows of the trials that are read from their
folders, and the view `X`, which adds the compacted trials from their files, where DuckDB reads only the columns and
row groups that a statement needs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measures import MEASURES
from bench.measures.names import DEFAULT
from bench.store import sql
from bench.store.attempt import ATTEMPT_SCHEMA, IS_SUPERSEDED
from bench.store.damage import concerns_trial
from bench.store.files import plain
from bench.store.folder import RECORD, SUPERSEDED, superseded_trial
from bench.store.read import loose
from bench.store.read.loose import parquet
from bench.store.read.quantities import wide
from bench.store.read.snapshot import Snapshot, find_loose
from bench.store.read.trial_rows import HIDDEN, load_trials
from bench.store.results import HISTORY_SCHEMA, MEASURES_SCHEMA, SUPERSEDED_SCHEMA
from bench.store.store import Store

if TYPE_CHECKING:
    import duckdb

RENAMED = {"epochs": "epochs_done"}
"""What both a trial and an attempt have → what `results` calls that of the attempt."""
TABLES = ("trials", "attempts", "history", "measures", "results")

QUERIED = (*TABLES, SUPERSEDED)
"""Those, and what earlier trainings left, which is never compacted."""

SCHEMAS = {
    "attempts": ATTEMPT_SCHEMA,
    "history": HISTORY_SCHEMA,
    "measures": MEASURES_SCHEMA,
    SUPERSEDED: SUPERSEDED_SCHEMA,
}
"""Tables whose loose form is Parquet files as they are."""


def wanted_tables(tables: Iterable[str]) -> set[str]:
    """The tables asked for and those that they are made of."""
    wanted = set(tables)
    return wanted | {"trials", "attempts", "measures"} if "results" in wanted else wanted


def load_loose(
    connection: duckdb.DuckDBPyConnection, schema: str, store: Store, snapshot: Snapshot, tables: Iterable[str]
) -> dict[Path, str]:
    """Make the schema and its `loose_` tables; the damaged files that were left out, and what is wrong with each.

    A trial of which nothing can be said without such a file is in no table.
    """
    wanted = wanted_tables(tables)
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    connection.execute(f"CREATE TABLE {schema}.changed (trial_id VARCHAR)")
    connection.execute(f"INSERT INTO {schema}.changed SELECT unnest($ids::VARCHAR[])", {"ids": list(snapshot.changed)})
    damaged: dict[Path, str] = {}
    for table, paths in find_loose(store, snapshot, wanted).items():
        if table in wanted:
            loose.create(connection, f"{schema}.loose_{table}", SCHEMAS[table])
            damaged |= loose.insert(connection, f"{schema}.loose_{table}", SCHEMAS[table], paths)
            _complete(connection, schema, store, snapshot, table, paths)
    if "trials" in wanted:
        damaged |= load_trials(connection, f"{schema}.loose_trials", store, snapshot.new)
        _complete(connection, schema, store, snapshot, "trials", [])
    left_out = {path.relative_to(store.trials).parts[0] for path in damaged if concerns_trial(path)}
    for table in wanted & {*TABLES} - {"results"} if left_out else ():
        gone = f"DELETE FROM {schema}.loose_{table} WHERE trial_id IN (SELECT unnest($ids::VARCHAR[]))"
        connection.execute(gone, {"ids": list(left_out)})
    if "results" in wanted:
        make_results(connection, schema)
    return damaged


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
    for table in wanted_tables(tables) & {*TABLES}:
        asked = f" WHERE trial_id IN (FROM {schema}.asked)" if only is not None else ""
        hidden = f" EXCLUDE ({', '.join(HIDDEN)})" if table in ("trials", "results") else ""
        hidden += _renamed() if table == "results" else ""
        whole = relation(schema, snapshot, table, snapshot.manifest.parts)
        more = f", {IS_SUPERSEDED} AS superseded" if table == "attempts" else ""
        connection.execute(f"CREATE VIEW {schema}.{table} AS SELECT *{hidden}{more} FROM ({whole}){asked}")


def _renamed() -> str:
    """SQL that renames columns which trials and attempts share; in files DuckDB numbers the second one."""
    return f" RENAME ({', '.join(f'{name}_1 AS {told}' for name, told in RENAMED.items())})"


def relation(schema: str, snapshot: Snapshot, table: str, parts: Iterable[str]) -> str:
    """SQL for all rows of a table: the loose ones, and those of some parts unless a loose trial replaces them."""
    paths = snapshot.manifest.paths(table, parts)
    loose = f"SELECT * FROM {schema}.loose_{table}"
    if not paths:
        return loose
    kept = f" WHERE trial_id NOT IN (FROM {schema}.changed)" if snapshot.changed else ""
    return f"{loose} UNION ALL BY NAME SELECT * FROM {parquet(paths)}{kept}"


def load_superseded(
    connection: duckdb.DuckDBPyConnection, schema: str, store: Store, only: Collection[str] | None
) -> dict[Path, str]:
    """Make the schema's table of what was measured of earlier trainings; the damaged files that were left out."""
    folder = store.root / SUPERSEDED
    found = {
        name: trial_id
        for name in plain.names(folder)
        if name.endswith(".parquet") and (trial_id := superseded_trial(name))
    }
    paths = [f"{folder}/{name}" for name, trial_id in sorted(found.items()) if only is None or trial_id in only]
    loose.create(connection, f"{schema}.{SUPERSEDED}", SUPERSEDED_SCHEMA)
    return loose.insert(connection, f"{schema}.{SUPERSEDED}", SUPERSEDED_SCHEMA, paths)


def _trained_again(store: Store, snapshot: Snapshot) -> set[str]:
    """The changed trials whose compacted attempts are superseded."""
    found = set()
    for trial_id, held in snapshot.changed.items():
        folder = store.folder(trial_id)
        numbers = (int(match[1]) for name in plain.names(folder.attempts) if (match := RECORD.fullmatch(name)))
        tables = (loose.read_table(folder.attempt(number), ATTEMPT_SCHEMA) for number in numbers if number > held)
        if any(not isinstance(table, str | None) and SUPERSEDED in table["outcome"].to_pylist() for table in tables):
            found.add(trial_id)
    return found


def _complete(
    connection: duckdb.DuckDBPyConnection, schema: str, store: Store, snapshot: Snapshot, table: str, paths: list[str]
) -> None:
    """Add to the changed trials' loose rows the compacted ones that they don't replace."""
    if not snapshot.changed:
        return
    # Measures and epochs of a superseded training belong to a model that isn't there any more.
    replaced = _trained_again(store, snapshot) if table in ("history", "measures") else set()
    replaced |= {Path(path).parent.name for path in paths} if table == "history" else set()
    loose = f"{schema}.loose_{table}"
    kept = "trial_id IN (SELECT unnest($ids::VARCHAR[]))"
    if table == "measures":
        kept += f" AND (trial_id, measure, settings) NOT IN (SELECT (trial_id, measure, settings) FROM {loose})"
    connection.execute(
        f"CREATE OR REPLACE TABLE {loose} AS SELECT * FROM {loose} UNION ALL BY NAME "
        f"SELECT * FROM {parquet(snapshot.manifest.paths(table))} WHERE {kept}",
        {"ids": [trial_id for trial_id in snapshot.changed if trial_id not in replaced]},
    )


def make_results(connection: duckdb.DuckDBPyConnection, schema: str) -> None:
    """One row per trial: the done attempt, or else the newest, and the measures of done trials as columns."""
    found = connection.execute(
        f"SELECT DISTINCT measure, settings FROM {schema}.loose_measures ORDER BY 1, 2"
    ).fetchall()
    taken = [column[0] for column in connection.execute(f"FROM {schema}.loose_trials LIMIT 0").description]
    # The known ones have a column even where nothing is measured yet, so that queries can be written ahead.
    quantities = wide([*((name, DEFAULT) for name in MEASURES), *found], {*taken, *ATTEMPT_SCHEMA})
    measured = set(found)
    columns = "".join(
        f", {_value(*quantity) if quantity in measured else 'NULL::DOUBLE'} AS {sql.name(column)}"
        for column, quantity in quantities.items()
    )
    connection.execute(
        f"""
        CREATE TABLE {schema}.loose_results AS
        WITH counted AS (
            SELECT * EXCLUDE (superseded) FROM (SELECT *, {IS_SUPERSEDED} AS superseded FROM {schema}.loose_attempts)
            WHERE NOT superseded
            QUALIFY row_number() OVER (PARTITION BY trial_id ORDER BY outcome = 'done' DESC, attempt DESC) = 1
        ), wide AS (
            SELECT trial_id{columns}
            FROM counted JOIN {schema}.loose_measures USING (trial_id) GROUP BY trial_id
        )
        SELECT * FROM {schema}.loose_trials LEFT JOIN counted USING (trial_id) LEFT JOIN wide USING (trial_id)
        """
    )


def _value(measure: str, settings: str) -> str:
    """SQL for what a done trial's measure gave."""
    taken = f"measure = {sql.literal(measure)} AND settings = {sql.literal(settings)} AND outcome = 'done'"
    return f"max(value) FILTER ({taken})"
