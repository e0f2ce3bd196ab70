"""SQL over the store: right rows, and no way to anything else."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.store import QueryError, Store, acquire, compact, query, set_aside_damaged, states
from bench.trial import Trial
from tests.shared.store import dead_claim, finish


@pytest.fixture
def filled(store: Store, make_trial: Callable[..., Trial]) -> Store:
    finish(store, make_trial(seed=0), test_accuracy=90.0)
    finish(store, make_trial(seed=1), "error")
    finish(store, make_trial(seed=1), test_accuracy=92.0)
    sam = make_trial(variant="fisher", scope="all", rho=0.1, settings=(("eta", 1.0), ("momentum", 0.9)))
    finish(store, sam, "diverged")
    store.add([make_trial(seed=7)])
    return store


def test_results_have_one_row_per_trial(filled: Store) -> None:
    table = query(filled, "SELECT seed, variant, outcome, attempt, test_accuracy, eta FROM results ORDER BY ALL")
    assert [tuple(row.values()) for row in table.to_pylist()] == [
        (0, "fisher", "diverged", 1, None, 1.0),
        (0, "none", "done", 1, 90.0, None),
        (1, "none", "done", 2, 92.0, None),
        (7, "none", None, None, None, None),
    ]


def test_a_setting_that_is_a_number_or_a_word_becomes_text(store: Store, make_trial: Callable[..., Trial]) -> None:
    for sparsity in (0.5, "only_norm"):
        finish(store, make_trial(variant="sam", scope="random", rho=1.0, settings=(("sparsity", sparsity),)))
    table = query(store, "SELECT sparsity FROM results ORDER BY 1")
    assert table.column("sparsity").to_pylist() == ["0.5", "only_norm"]


@pytest.mark.parametrize(("table", "rows"), [("trials", 4), ("attempts", 4), ("history", 3), ("measures", 2)])
def test_tables(filled: Store, table: str, rows: int) -> None:
    assert query(filled, f"SELECT * FROM {table}").num_rows == rows


@pytest.mark.parametrize("table", ["trials", "attempts", "history", "measures", "results"])
def test_tables_of_an_empty_store(store: Store, table: str) -> None:
    assert query(store, f"SELECT * FROM {table}").num_rows == 0


def test_fields_have_their_types_before_anything_is_run(store: Store) -> None:
    sql = "SELECT avg(rho) AS mean FROM results WHERE dataset = 'digits' AND lr > 0.1"
    assert query(store, sql).column("mean").to_pylist() == [None]


def test_known_measures_are_columns_before_anything_is_measured(store: Store) -> None:
    assert query(store, "SELECT test_accuracy FROM results").num_rows == 0


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM read_parquet('OTHER')",
        "SELECT * FROM glob('/*')",
        "COPY results TO 'OTHER'",
        "ATTACH 'OTHER' AS other",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "DROP TABLE results",
        "INSERT INTO results SELECT * FROM results",
        "SELECT 1; SELECT 2",
        "PRAGMA database_list",
        "",
    ],
)
def test_nothing_but_reading_the_tables(filled: Store, tmp_path: Path, sql: str) -> None:
    other = tmp_path / "other.parquet"
    existing = next(filled.root.glob("trials/*/measures.parquet"))
    other.write_bytes(existing.read_bytes())
    with pytest.raises(QueryError):
        query(filled, sql.replace("OTHER", str(other)))
    assert other.read_bytes() == existing.read_bytes()


def test_a_mistyped_column_is_told_with_the_nearest(filled: Store) -> None:
    with pytest.raises(QueryError, match="test_accuracy"):
        query(filled, "SELECT test_acuracy FROM results")


@pytest.mark.share(5)
@pytest.mark.parametrize("damage", [b"", b"garbage", None])
@pytest.mark.parametrize("file", ["measures.parquet", "history.parquet", "attempts/0001.parquet", "trial.json"])
def test_a_damaged_file_is_named_and_its_trial_runs_again(
    filled: Store,
    make_trial: Callable[..., Trial],
    caplog: pytest.LogCaptureFixture,
    damage: bytes | None,
    file: str,
) -> None:
    trial_id = make_trial(seed=0).trial_id
    path = filled.folder(trial_id).path / file
    path.write_bytes(path.read_bytes()[:-20] if damage is None else damage)
    for table in ("attempts", "history", "measures", "results"):
        query(filled, f"SELECT * FROM {table}")
    assert str(path) in caplog.text
    assert list(set_aside_damaged(filled, [trial_id])) == [path]
    assert states(filled, [trial_id])[trial_id].status == "missing"
    kept = list(filled.root.glob(f"damaged/{trial_id}-*/{file}"))
    assert len(kept) == 1
    assert query(filled, "SELECT * FROM results").num_rows == 3


def test_a_trial_that_another_process_is_adding_is_left_alone(store: Store, make_trial: Callable[..., Trial]) -> None:
    trial = make_trial()
    store.folder(trial.trial_id).attempts.mkdir(parents=True)
    assert not set_aside_damaged(store, [trial.trial_id])
    store.add([trial])
    assert acquire(store, store.folder(trial.trial_id), "inline")
    store.folder(trial.trial_id).trial.unlink()
    assert not set_aside_damaged(store, [trial.trial_id]), "its worker lives"


def test_a_trial_that_lost_its_description_is_damaged(store: Store, make_trial: Callable[..., Trial]) -> None:
    store.add([make_trial()])
    folder = store.folder(make_trial().trial_id)
    dead_claim(folder)
    folder.trial.unlink()
    assert set_aside_damaged(store, [folder.trial_id]) == {folder.trial: "is missing"}


def test_a_flipped_bit_is_found(filled: Store, make_trial: Callable[..., Trial]) -> None:
    trial_id = make_trial(seed=0).trial_id
    path = filled.folder(trial_id).measures
    data = bytearray(path.read_bytes())
    data[30] ^= 0x10
    path.write_bytes(bytes(data))
    assert list(set_aside_damaged(filled, [trial_id])) == [path]


def test_what_trials_and_attempts_call_the_same_has_a_name_of_its_own(filled: Store) -> None:
    for _ in range(2):
        names = query(filled, "SELECT * FROM results").column_names
        assert [name for name in names if re.search(r"_\d$", name)] == []
        assert {"epochs", "epochs_done"} <= {*names}
        compact(filled)
