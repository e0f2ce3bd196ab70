"""Query: the store's files as SQL tables, by DuckDB.

| table | one row per |
|---|---|
| `trials` | trial: its fields, with every setting as a column of its own |
| `attempts` | try at a trial, with provenance and outcome |
| `history` | trial and epoch |
| `measures` | trial, measure and settings |
| `results` | trial: fields, the attempt that counts, and each measure as a column |
| `superseded` | measure of an earlier training, since which the trial was trained again |

The loose files of the tables that a statement names are loaded; compact files stay where they are, and a user's
statement may read these and nothing else: it can neither write nor reach another file. Several stores are read
as one: a trial that more than one of them has is taken from the first in which it is done, else from the first in
which it was tried, else from the first. Then every table has a column `store`: the path of the one that a row is from.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from bench.errors import UserError, meant
from bench.store import sql
from bench.store.compacted import manifest
from bench.store.damage import leave_out
from bench.store.folder import SUPERSEDED, StoreError
from bench.store.read.mixed import remark_on_schemas
from bench.store.read.snapshot import Snapshot, take
from bench.store.read.tables import QUERIED, TABLES, load_loose, load_superseded, make_views, wanted_tables
from bench.store.store import Store
from bench.trial.content import CONTENT

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_TRIES = 20
"""Snapshots to take before giving up, if compaction replaces each while it is read."""

_UNKNOWN_COLUMN = re.compile(r'column "([^"]+)" not found|does not have a column named "([^"]+)"')

Taken = TypeVar("Taken")

Readable = Store | Sequence[Store]
"""One store, or several that are read as one."""


class QueryError(UserError):
    """A statement that can't be answered, in the words of DuckDB or ours."""


@contextmanager
def connect(
    stores: Readable,
    tables: Iterable[str] = QUERIED,
    *,
    only: Collection[str] | None = None,
    measures: Iterable[str] = (),
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that has `tables`, of all trials or `only` of some, for statements of ours.

    What is damaged is left out, and said so in each store's `left_out`. Of `measures` the table `results` has a column
    each, empty if nobody has taken it.
    """
    with sql.opened() as connection:
        _load_all(connection, stores, tables, only, measures)
        yield connection


@contextmanager
def _connect_closed(stores: Readable, tables: Iterable[str]) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that has `tables` and can reach nothing else, for anybody's statements."""
    with sql.isolated() as connection:
        paths = _load_all(connection, stores, tables)
        connection.execute(f"SET allowed_paths = {sql.literals(paths)}")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        yield connection


def _load_all(
    connection: duckdb.DuckDBPyConnection,
    stores: Readable,
    tables: Iterable[str],
    only: Collection[str] | None = None,
    measures: Iterable[str] = (),
) -> list[str]:
    """Make the tables; the files that they are read from when they are asked."""
    read = as_list(stores)
    wanted = wanted_tables(tables) | ({"trials", "attempts"} if len(read) > 1 else set())
    paths: list[str] = []
    for number, store in enumerate(read):
        snapshot = _load(connection, f"store_{number}", store, wanted, only)
        paths += [path for table in wanted & {*TABLES} for path in snapshot.manifest.paths(table)]
    if len(read) == 1 and not measures:
        connection.execute("USE store_0")
    else:
        _unite(connection, [str(store.root) for store in read], wanted, measures)
    return paths


class Rows(NamedTuple):
    """What a statement gives: the names of its columns, and its rows."""

    names: list[str]
    rows: list[tuple[Any, ...]]


def query(stores: Readable, select: str) -> pa.Table:
    """The rows that one SELECT gives, as an Arrow table; QueryError if it is wrong or no SELECT."""
    return _answered(stores, select, lambda answer: answer.to_arrow_table())


def query_rows(stores: Readable, select: str) -> Rows:
    """The same as Python values, without importing pyarrow."""
    return _answered(stores, select, lambda answer: Rows(list(answer.columns), answer.fetchall()))


def _answered(stores: Readable, select: str, taken: Callable[[duckdb.DuckDBPyRelation], Taken]) -> Taken:
    import duckdb

    try:
        statements = duckdb.extract_statements(select)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise QueryError("the store is read-only: write one SELECT statement")
        named = set(re.findall(r"\w+", select.lower())) & set(QUERIED)
        tables = named or {*QUERIED}
        with _connect_closed(stores, tables) as connection:
            try:
                answer = taken(connection.sql(select))
            except duckdb.Error as error:
                for store in as_list(stores):
                    manifest.explain_damage(manifest.readable(store.root)[0], error)
                raise QueryError(_explain(connection, error, named)) from error
            if "trials" in wanted_tables(tables):
                remark_on_schemas(connection, select)
            return answer
    except duckdb.Error as error:
        raise QueryError(str(error)) from error


def newest_dataset(stores: Readable, name: str) -> str | None:
    """The name of a data set with the content that it had when a trial last began with it."""
    with connect(stores, ["trials", "attempts"]) as connection:
        found = connection.execute(
            """SELECT dataset FROM trials LEFT JOIN attempts USING (trial_id) WHERE starts_with(dataset, $begin)
            ORDER BY started DESC NULLS LAST LIMIT 1""",
            {"begin": f"{name}{CONTENT}"},
        ).fetchone()
        return None if found is None else str(found[0])


def as_list(stores: Readable) -> list[Store]:
    """The stores as a list."""
    return [stores] if isinstance(stores, Store) else list(stores)


def _load(
    connection: duckdb.DuckDBPyConnection,
    schema: str,
    store: Store,
    tables: Iterable[str],
    only: Collection[str] | None,
) -> Snapshot:
    """Load one store; again, if a compaction ended meanwhile and may have removed what was about to be read."""
    import duckdb

    for _ in range(_TRIES):
        snapshot = take(store, only, tables=wanted_tables(tables) & {*TABLES})
        try:
            damaged = load_loose(connection, schema, store, snapshot, tables)
            if SUPERSEDED in tables:
                damaged |= load_superseded(connection, schema, store, only)
            make_views(connection, schema, snapshot, tables, only)
        except duckdb.Error as error:
            manifest.explain_damage(snapshot.manifest, error)
            raise
        if manifest.readable(store.root)[0].generation == snapshot.manifest.generation:
            leave_out(store, damaged)
            return snapshot
        connection.execute(f"DROP SCHEMA {schema} CASCADE")
    raise StoreError(f"store {store.root}: compacted over and over while it is read; try again")


def _unite(
    connection: duckdb.DuckDBPyConnection, roots: Sequence[str], tables: set[str], measures: Iterable[str]
) -> None:
    """Views without a schema's name: of the one store, or of each trial's owner among several, with its path."""
    count = len(roots)
    if count > 1:
        each = " UNION ALL ".join(
            f"""SELECT trial_id, {number} AS store,
                coalesce(bool_or(outcome = 'done' AND NOT superseded), false) AS done, count(outcome) > 0 AS tried
            FROM store_{number}.trials LEFT JOIN store_{number}.attempts USING (trial_id) GROUP BY trial_id"""
            for number in range(count)
        )
        owner = "arg_min(store, (NOT done, NOT tried, store)) AS store"
        connection.execute(f"CREATE TABLE owners AS SELECT trial_id, {owner} FROM ({each}) GROUP BY trial_id")
    for table in tables:
        owned = " WHERE trial_id IN (SELECT trial_id FROM owners WHERE store = {})" if count > 1 else ""
        each = " UNION ALL BY NAME ".join(
            f"SELECT *{_named(root, count)} FROM store_{number}.{table}{owned.format(number)}"
            for number, root in enumerate(roots)
        )
        empty = _empty(connection, each, measures) if table == "results" else ""
        connection.execute(f"CREATE VIEW {table} AS SELECT *{empty} FROM ({each})")


def _named(root: str, count: int) -> str:
    """SQL for the column `store` of several stores that are read as one."""
    return f", {sql.literal(root)} AS store" if count > 1 else ""


def _empty(connection: duckdb.DuckDBPyConnection, rows: str, names: Iterable[str]) -> str:
    """SQL for the columns of these names that the rows don't have."""
    there = {column[0] for column in connection.execute(f"{rows} LIMIT 0").description}
    return "".join(f", NULL::DOUBLE AS {sql.name(name)}" for name in dict.fromkeys(names) if name not in there)


def _explain(connection: duckdb.DuckDBPyConnection, error: duckdb.Error, named: set[str]) -> str:
    """DuckDB's message; for an unknown column ours, with the nearest ones."""
    message = str(error)
    found = _UNKNOWN_COLUMN.search(message)
    if found is None:
        return message
    wrong = found[1] or found[2]
    columns = {name for table in named for name in connection.table(table).columns}
    where = ", ".join(sorted(named)) or "any table"
    return f"no column {wrong!r} in {where}{meant(wrong, columns)}; `sambench schema` lists them"
