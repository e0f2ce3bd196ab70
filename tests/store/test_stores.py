"""Several stores, checking, export, and the ways to read without SQL."""

from __future__ import annotations

import importlib
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

import bench.store
from bench.errors import UserError
from bench.store import QueryError, Store, acquire, compact, export, manifest, query, read_exported, states
from bench.store.check import check, repair
from bench.store.columns import columns
from bench.store.measured import Quantity, add_measure
from bench.store.merge import Merged, merge
from bench.store.tables import TABLES
from bench.trial import Trial
from tests.store.test_claim import dead_claim
from tests.store.test_query import finish

Make = Callable[..., Trial]


@pytest.fixture
def other(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "other")


def fill_both(store: Store, other: Store, make_trial: Make) -> None:
    """Seed 0 done in both, 1 failed in the first and done in the second, 2 and 3 in one each."""
    finish(store, make_trial(seed=0), test_accuracy=90.0)
    finish(store, make_trial(seed=1), "error")
    finish(store, make_trial(seed=2), test_accuracy=92.0)
    finish(other, make_trial(seed=0), test_accuracy=10.0)
    finish(other, make_trial(seed=1), test_accuracy=91.0)
    finish(other, make_trial(seed=3), "error")


UNION = [(0, "done", 90.0), (1, "done", 91.0), (2, "done", 92.0), (3, "error", None)]


def union(*stores: Store) -> list[tuple[Any, ...]]:
    table = query(stores, "SELECT seed, outcome, test_accuracy FROM results ORDER BY seed")
    assert query(stores, "SELECT * FROM attempts").num_rows == len(table)
    assert query(stores, "SELECT DISTINCT trial_id FROM history").num_rows == len(table)
    return [tuple(row.values()) for row in table.to_pylist()]


@pytest.mark.parametrize("compacted", [(), (0,), (1,), (0, 1)])
def test_several_stores_are_read_as_one(
    store: Store, other: Store, make_trial: Make, compacted: tuple[int, ...]
) -> None:
    fill_both(store, other, make_trial)
    for number in compacted:
        compact((store, other)[number])
    assert union(store, other) == UNION
    assert bench.store.open(store.root, other.root).results().arrow().num_rows == 4


@pytest.mark.parametrize("compacted", [(), (0,), (1,), (0, 1)])
def test_merge(store: Store, other: Store, make_trial: Make, tmp_path: Path, compacted: tuple[int, ...]) -> None:
    fill_both(store, other, make_trial)
    for number in compacted:
        compact((store, other)[number])
    held = acquire(other, _added(other, make_trial(seed=5)), "test")
    assert held is not None
    (store.folder(make_trial(seed=0).trial_id).path / "log.txt").write_text("log")
    target = Store.create(tmp_path / "target")
    assert merge([store, other], target) == Merged(copied=4, kept=2, running=1)
    assert union(target) == UNION
    assert (target.folder(make_trial(seed=0).trial_id).path / "log.txt").read_text() == "log"
    assert merge([store, other], target).copied == 0
    assert union(target) == UNION
    compact(target)
    assert union(target) == UNION
    assert not [finding for finding in check(target) if finding.bad]
    assert acquire(target, target.folder(make_trial(seed=0).trial_id), "test") is None
    held.abandon()


@pytest.mark.parametrize("compacted", [(), (0,), (1,), (0, 1)])
def test_merge_brings_later_measures_of_the_same_training(
    store: Store, other: Store, make_trial: Make, compacted: tuple[int, ...]
) -> None:
    own, both = make_trial(seed=0).trial_id, make_trial(seed=1).trial_id
    finish(other, make_trial(seed=1), test_accuracy=91.0)
    merge([other], store)
    for target, accuracy in ((store, 90.0), (other, 10.0)):
        finish(target, make_trial(seed=0), test_accuracy=accuracy)
    for number in compacted:
        compact((store, other)[number])
    for trial_id in (own, both):
        assert add_measure(other.folder(trial_id), Quantity("sharpness", "{}"), 0.5)
    for added in (1, 0):
        assert merge([other], store) == Merged(kept=2, measures=added)
        rows = query(store, "SELECT seed, sharpness, test_accuracy FROM results ORDER BY seed").to_pylist()
        assert [tuple(row.values()) for row in rows] == [(0, None, 90.0), (1, 0.5, 91.0)]


def _added(store: Store, trial: Trial) -> bench.store.TrialFolder:
    store.add([trial])
    return store.folder(trial.trial_id)


def test_merge_into_itself(store: Store, other: Store) -> None:
    with pytest.raises(UserError, match="is one of the stores to merge"):
        merge([store, other], other)


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


def test_check_of_a_good_store(store: Store, make_trial: Make) -> None:
    for seed in range(3):
        finish(store, make_trial(seed=seed), test_accuracy=1.0)
    assert list(check(store)) == []
    compact(store)
    assert list(check(store)) == []


def test_check_names_everything(store: Store, make_trial: Make) -> None:
    for seed in range(5):
        finish(store, make_trial(seed=seed), test_accuracy=1.0)
    damaged, renamed, stale, live = (store.folder(make_trial(seed=seed).trial_id) for seed in (0, 1, 8, 9))
    damaged.history.write_bytes(b"")
    renamed.trial.write_text(store.folder(make_trial(seed=2).trial_id).trial.read_text())
    store.add([make_trial(seed=8), make_trial(seed=9)])
    dead_claim(stale)
    held = acquire(store, live, "test")
    assert held is not None
    (store.root / "trials" / "notes").mkdir()
    found = {finding.kind: finding.path for finding in check(store)}
    assert found == {
        "damaged": damaged.history,
        "wrong id": renamed.trial,
        "stale claim": stale.claim(1),
        "live claim": live.claim(1),
        "orphan": store.root / "trials" / "notes",
    }
    held.abandon()


def last_byte_of_first_column(path: Path) -> int:
    """Within a page, which has a checksum; the header before it has none."""
    column = pq.ParquetFile(path).metadata.row_group(0).column(0)
    start: int = column.data_page_offset if column.dictionary_page_offset is None else column.dictionary_page_offset
    return start + int(column.total_compressed_size) - 1


@pytest.mark.parametrize("damage", ["short", "missing", "flipped"])
@pytest.mark.parametrize("table", ["results", "attempts", "index", "history"])
def test_a_damaged_compact_file_is_named_and_given_up(store: Store, make_trial: Make, damage: str, table: str) -> None:
    trial = make_trial()
    finish(store, trial, test_accuracy=1.0)
    compact(store)
    live = manifest.current(store.root)
    path = live.path(next(iter(live.parts)), table)
    data = bytearray(path.read_bytes())
    data[last_byte_of_first_column(path)] ^= 0xFF
    path.unlink() if damage == "missing" else path.write_bytes(data if damage == "flipped" else data[:-9])
    assert [finding.path for finding in check(store) if finding.bad][:1] == [path]
    if damage != "flipped":
        with pytest.raises(manifest.DamagedPart, match=f"{path.name}: missing or damaged; .*--repair"):
            query(store, f"SELECT * FROM {table if table != 'index' else 'results'}")
    assert repair(store) == 1
    assert not [finding for finding in check(store) if finding.bad]
    assert states(store, [trial.trial_id])[trial.trial_id].status == "missing"


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
        with pytest.raises(QueryError, match="no column 'test_acuracy': did you mean test_accuracy"):
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
    documented = (Path(__file__).parents[2] / "docs" / "store.md").read_text(encoding="utf-8")
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
