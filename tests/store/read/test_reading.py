"""The ways to read a store without SQL of ours, its documented columns, and the commands."""

from __future__ import annotations

import importlib
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

import bench.store
from bench.errors import UserError
from bench.store import QueryError, Store, compact, export, query, read_exported
from bench.store.read.columns import columns
from bench.store.read.tables import TABLES
from bench.trial import Trial
from tests.shared.store import fill_both, finish

Make = Callable[..., Trial]


@pytest.mark.parametrize("form", ["{}/out/results.parquet", "file://{}/results.parquet"])
def test_export_and_read(store: Store, other: Store, make_trial: Make, tmp_path: Path, form: str) -> None:
    fill_both(store, other, make_trial)
    target = form.format(tmp_path)
    assert export([store, other], target) == 4
    table = read_exported(target)
    assert table.num_rows == 4
    assert "test_accuracy" in table.column_names
    assert not list(tmp_path.glob("*.tmp"))


@pytest.mark.parametrize("target", ["nowhere://bucket/x.parquet", "/proc/x/results.parquet", "file:///proc/x.parquet"])
def test_export_to_where_it_can_not_go(store: Store, target: str) -> None:
    with pytest.raises(UserError, match=target.split(":")[0]):
        export(store, target)


def test_reading_what_is_no_export(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="can't be read as results"):
        read_exported(str(tmp_path / "nothing.parquet"))


def test_results_in_the_forms_of_notebooks(store: Store, make_trial: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    finish(store, make_trial(), test_accuracy=90.0)
    results = bench.store.open(store.root).results()
    assert results.pandas()["test_accuracy"].tolist() == [90.0]
    load = importlib.import_module

    def without(name: str, *rest: Any) -> Any:
        if name == "polars":
            raise ImportError(name)
        return load(name, *rest)

    monkeypatch.setattr(importlib, "import_module", without)
    with pytest.raises(UserError, match=r"polars isn't installed.*\.arrow\(\)"):
        results.polars()


@pytest.mark.parametrize("table", TABLES)
def test_every_column_is_documented(store: Store, make_trial: Make, table: str) -> None:
    finish(store, make_trial(settings=()), test_accuracy=1.0)
    described = columns(table)
    assert all(column.about for column in described)
    with bench.store.connect(store) as connection:
        rows = connection.execute(f"DESCRIBE {table}").fetchall()
    assert {(column.name, column.type) for column in described} == {
        (name, "TIMESTAMPTZ" if "TIME ZONE" in type_ else type_) for name, type_, *_ in rows
    }


def test_a_table_that_is_none() -> None:
    with pytest.raises(UserError, match="choose one of trials, attempts"):
        columns("result")


@pytest.mark.parametrize("compacted", [False, True])
def test_an_unknown_column_is_told_with_the_nearest(store: Store, make_trial: Make, compacted: bool) -> None:
    finish(store, make_trial(), test_accuracy=1.0)
    if compacted:
        compact(store)
    for sql in ("SELECT test_acuracy FROM results", "SELECT r.test_acuracy FROM results r"):
        with pytest.raises(QueryError, match="no column 'test_acuracy' in results; did you mean test_accuracy"):
            query(store, sql)


@pytest.mark.parametrize("sql", ["SELECT * FROM read_text('STORE/store.json')", "SELECT * FROM glob('STORE/*')"])
def test_a_compacted_store_is_read_only_too(store: Store, make_trial: Make, sql: str) -> None:
    finish(store, make_trial(), test_accuracy=1.0)
    compact(store)
    with pytest.raises(QueryError):
        query(store, sql.replace("STORE", str(store.root)))


DIRECT = """
    SET VARIABLE files = (
        SELECT list('STORE/compact/' || part || '-results.parquet')
        FROM (SELECT unnest(arg_max(parts, generation)) AS part FROM read_json('STORE/compact/manifest-*.json'))
    );
    SELECT seed, test_accuracy FROM read_parquet(getvariable('files'), union_by_name = true) ORDER BY seed
"""


def test_duckdb_reads_the_files_directly_as_documented(store: Store, make_trial: Make) -> None:
    for seed in (0, 1):
        finish(store, make_trial(seed=seed), test_accuracy=1.0)
        compact(store)
    with duckdb.connect() as connection:
        assert connection.execute(DIRECT.replace("STORE", str(store.root))).fetchall() == [(0, 1.0), (1, 1.0)]
    documented = (Path(__file__).parents[3] / "docs" / "store.md").read_text(encoding="utf-8")
    assert "arg_max(parts, generation)" in documented


def test_commands(
    store: Store,
    other: Store,
    make_trial: Make,
    tmp_path: Path,
    sambench: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    fill_both(store, other, make_trial)
    assert "3 trials compacted" in sambench("compact").stderr
    answer = sambench("query", "SELECT count(*) FROM results", "--csv", "--store", store.root, "--store", other.root)
    assert answer.stdout.split() == ["count_star()", "4"]
    assert sambench("store", "check").returncode == 0
    assert "4 trials copied" in sambench("store", "merge", store.root, other.root, "--into", tmp_path / "c").stderr
    assert sambench("store", "export", "r.parquet", "--store", tmp_path / "c").returncode == 0
    assert (tmp_path / "r.parquet").exists()
    assert "perturbation_norm" in sambench("schema", "history").stdout
    assert sambench("schema", "nothing").returncode == 2
    assert sambench("store", "check", "--store", "nowhere").returncode == 2
