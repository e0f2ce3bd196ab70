"""Tests of databases that share an instance of DuckDB: none sees another, and the instance may end."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import duckdb
import pytest

from bench.store import sql


def tables(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, ...]]:
    return connection.execute(
        "SELECT table_name FROM duckdb_tables() WHERE database_name = current_database()"
    ).fetchall()


def test_none_sees_another_and_nothing_is_left() -> None:
    with sql.opened() as one, sql.opened() as two:
        one.execute("CREATE TABLE numbers AS SELECT 1 AS number")
        assert tables(one) == [("numbers",)]
        assert tables(two) == []
        with pytest.raises(duckdb.CatalogException):
            two.execute("FROM numbers")
    with sql.opened() as three:
        databases = three.execute("SELECT database_name FROM duckdb_databases() WHERE NOT internal").fetchall()
        own = three.execute("SELECT current_database()").fetchone()
        assert [name for name in databases if name[0].startswith("own_")] == [own]


def test_an_instance_that_ended_is_followed_by_another() -> None:
    with sql.opened():
        pass
    sql._SHARED[os.getpid()].close()
    with sql.opened() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_fork_has_an_instance_of_its_own() -> None:
    with sql.opened() as connection:
        connection.execute("CREATE TABLE numbers AS SELECT 1 AS number")
        pid = os.fork()
        if not pid:
            with sql.opened() as own:
                os._exit(len(tables(own)) or 7 * (own.execute("SELECT 6").fetchone() == (6,)))
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
        assert connection.execute("FROM numbers").fetchone() == (1,)


def test_threads_have_databases_of_their_own() -> None:
    def counted(number: int) -> int:
        with sql.opened() as connection:
            connection.execute(f"CREATE TABLE numbers AS FROM range({number})")
            return len(connection.execute("FROM numbers").fetchall())

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(counted, range(100))) == list(range(100))
