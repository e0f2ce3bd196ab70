"""Named columns: whatever form a statement has, it sees what it asks for."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bench.store import Store, compact, connect, named_columns, query
from bench.trial import Trial
from tests.store.test_query import finish

FEW = [
    "SELECT host, count(*) AS n FROM results WHERE outcome = 'done' GROUP BY ALL ORDER BY ALL",
    "SELECT r.launcher, epochs_1, EPOCHS FROM results r ORDER BY seed",
    "WITH tried AS (SELECT trial_id, pid FROM attempts) SELECT sum(pid) FROM tried JOIN trials USING (trial_id)",
    "SELECT seed FROM results QUALIFY row_number() OVER (ORDER BY device, seed) = 1",
]
ANY = [
    "FROM results ORDER BY seed",
    "SELECT COLUMNS('h.*') FROM results ORDER BY seed",
    "SELECT r FROM results r ORDER BY seed",
    "SELECT attempts FROM attempts ORDER BY trial_id",
    "SELECT b FROM attempts AS a(x, b)",
    "SELECT count(*) FROM attempts NATURAL JOIN (SELECT DISTINCT host FROM attempts)",
    "SELECT #13 FROM attempts",
    "DESCRIBE results",
    "SUMMARIZE attempts",
    "UNPIVOT attempts ON host, launcher INTO NAME n VALUE v",
    "SELECT host FROM query_table('attempts')",
]


@pytest.mark.parametrize("sql", [*FEW, *ANY])
@pytest.mark.parametrize("compacted", [False, True])
def test_rows_are_those_of_a_connection_with_all_columns(
    store: Store, make_trial: Callable[..., Trial], sql: str, compacted: bool
) -> None:
    finish(store, make_trial(seed=0), test_accuracy=90.0)
    if compacted:
        compact(store)
    finish(store, make_trial(seed=1), "error")
    with connect(store) as connection:
        expected = connection.sql(sql).to_arrow_table().to_pylist()
    # Not every statement gives an order.
    assert sorted(map(repr, query(store, sql).to_pylist())) == sorted(map(repr, expected))


@pytest.mark.parametrize("sql", FEW)
def test_what_names_its_columns_needs_no_others(sql: str) -> None:
    named = named_columns(sql)
    assert named is not None
    assert not {"git_commit", "message", "wall_s"} & named


@pytest.mark.parametrize("sql", [*ANY, "SELECT", "PIVOT attempts ON host USING count(*)"])
def test_what_does_not_may_need_any(sql: str) -> None:
    assert named_columns(sql) is None
