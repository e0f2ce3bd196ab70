"""Measures that are added after the training: lost never, doubled never, read at once."""

from __future__ import annotations

import itertools
import json
import multiprocessing
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.store import Store, TrialFolder, compact, files, query, set_aside_damaged
from bench.store.arrow import table_of
from bench.store.compacted import manifest
from bench.store.measured import Quantity, add_measure, counts_of, file_of, is_measured, mark_changed, measured
from bench.store.results import MEASURES_SCHEMA
from bench.store.upkeep import check, clean
from bench.store.upkeep import compact as folding
from bench.trial import Trial
from tests.shared.store import finish
from tests.store.contents import contents
from tests.store.interrupted import Killed, die_at

SHARP = Quantity("sharpness", '{"rho":0.003}')
RANK = Quantity("feature_rank", "{}")
COLUMNS = 'test_accuracy, feature_rank, "sharpness[rho=0.003]" AS sharpness'


@pytest.fixture
def folder(store: Store, make_trial: Callable[..., Trial]) -> TrialFolder:
    """Of a trial that is done."""
    finish(store, make_trial(), test_accuracy=90.0)
    return store.folder(make_trial().trial_id)


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compaction need not wait for measures that were announced."""
    monkeypatch.setattr(folding, "SETTLED", 0.0)


def result(store: Store) -> dict[str, Any]:
    (row,) = query(store, f"SELECT {COLUMNS} FROM results").to_pylist()
    return row


@pytest.mark.usefixtures("settled")
def test_counts_of_a_histogram_are_kept_beside_numbers(store: Store, folder: TrialFolder) -> None:
    counted = Quantity("weight_histogram", '{"scale":"log"}')
    assert add_measure(folder, SHARP, 0.5)
    compact(store)
    assert add_measure(folder, counted, 0.25, counts=[0, 3, 1])
    assert counts_of(store, [folder.trial_id], counted) == {folder.trial_id: [0, 3, 1]}
    compact(store)
    assert counts_of(store, [folder.trial_id], counted) == {folder.trial_id: [0, 3, 1]}
    assert counts_of(store, [folder.trial_id], SHARP) == {}
    for place, text in enumerate(("[1, 2", "7", '["a"]', "[-1]", "[" * 100_000)):
        odd = Quantity("weight_histogram", json.dumps({"layer": f"odd{place}"}))
        row = {"trial_id": folder.trial_id, **odd._asdict(), "value": 0.5, "counts": text}
        files.create(file_of(folder, odd), files.parquet_bytes(table_of([row], MEASURES_SCHEMA)))
        mark_changed(folder, odd)
        assert counts_of(store, [folder.trial_id], odd) == {}
    kept = "SELECT counts FROM measures WHERE settings NOT LIKE '%odd%' ORDER BY measure"
    assert [row["counts"] for row in query(store, kept).to_pylist()] == [None, None, "[0,3,1]"]


@pytest.mark.usefixtures("settled")
@pytest.mark.parametrize("compacted", [False, True])
def test_measures_of_a_version_without_counts(store: Store, folder: TrialFolder, compacted: bool) -> None:
    earlier = {name: kind for name, kind in MEASURES_SCHEMA.items() if name != "counts"}
    row = {"trial_id": folder.trial_id, **SHARP._asdict(), "value": 0.5}
    files.make_folder(folder.later)
    data = files.small_parquet_bytes(table_of([row], earlier), with_rows=True)
    files.create(file_of(folder, SHARP), data)
    mark_changed(folder, SHARP)
    if compacted:
        compact(store)
    assert result(store)["sharpness"] == 0.5
    assert counts_of(store, [folder.trial_id], SHARP) == {}
    assert measured(store, [folder.trial_id])[folder.trial_id] >= {SHARP}


@pytest.mark.usefixtures("settled")
@pytest.mark.parametrize("compacted", [False, True])
def test_measures_are_added_read_and_folded(store: Store, folder: TrialFolder, compacted: bool) -> None:
    if compacted:
        assert compact(store).trials == 1
    assert add_measure(folder, SHARP, 0.5)
    assert not add_measure(folder, SHARP, 0.6), "the first stays"
    assert add_measure(folder, RANK, 77.0)
    expected = {"test_accuracy": 90.0, "feature_rank": 77.0, "sharpness": 0.5}
    assert result(store) == expected
    assert measured(store, [folder.trial_id])[folder.trial_id] == {Quantity("test_accuracy", "{}"), SHARP, RANK}
    before = contents(store)
    assert compact(store).trials == 1
    assert contents(store) == before
    assert not folder.later_measures()
    assert not list((store.root / "changed").iterdir())
    assert all(is_measured(store, folder, quantity) for quantity in (SHARP, RANK, Quantity("test_accuracy", "{}")))
    assert not is_measured(store, folder, Quantity("sharpness", "{}"))


@pytest.mark.usefixtures("settled")
def test_one_that_is_taken_again_after_compaction_counts_once(store: Store, folder: TrialFolder) -> None:
    add_measure(folder, SHARP, 0.5)
    compact(store)
    assert add_measure(folder, SHARP, 0.5), "a slow process may not have seen the first"
    assert query(store, "SELECT * FROM measures").num_rows == 2
    compact(store)
    assert query(store, "SELECT * FROM measures").num_rows == 2
    assert result(store)["sharpness"] == 0.5


@pytest.mark.usefixtures("settled")
def test_one_that_comes_while_loose_files_are_removed_stays(
    store: Store, folder: TrialFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_measure(folder, SHARP, 0.5)
    look = clean.marks.left

    def left(root: Path) -> Any:
        found = look(root)
        if manifest.current(root).generation and not file_of(folder, RANK).exists():
            add_measure(folder, RANK, 77.0)
        return found

    monkeypatch.setattr(clean.marks, "left", left)
    compact(store)
    monkeypatch.undo()
    assert result(store) == {"test_accuracy": 90.0, "feature_rank": 77.0, "sharpness": 0.5}


@pytest.mark.usefixtures("settled")
def test_one_whose_mark_was_taken_is_marked_again(
    store: Store, folder: TrialFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    compact(store)
    create = os.link

    def sleepy(*arguments: Any, **options: Any) -> None:
        """As if a compaction ended between the mark and the file."""
        for mark in (store.root / "changed").iterdir():
            mark.unlink()
        create(*arguments, **options)

    monkeypatch.setattr(os, "link", sleepy)
    add_measure(folder, SHARP, 0.5)
    monkeypatch.undo()
    assert result(store)["sharpness"] == 0.5
    for mark in (store.root / "changed").iterdir():
        mark.unlink()
    assert is_measured(store, folder, SHARP)
    mark_changed(folder, SHARP)
    assert result(store)["sharpness"] == 0.5


@pytest.mark.parametrize("compacted", [False, True])
def test_killed_at_every_step_it_is_there_or_can_be_added(
    tmp_path: Path, store: Store, folder: TrialFolder, monkeypatch: pytest.MonkeyPatch, compacted: bool
) -> None:
    if compacted:
        compact(store)
    for step in itertools.count():
        copy = Store(tmp_path / f"copy-{step}")
        shutil.copytree(store.root, copy.root)
        own = copy.folder(folder.trial_id)
        with monkeypatch.context() as deadly:
            die_at(deadly, step)
            try:
                add_measure(own, SHARP, 0.5)
                died = False
            except Killed:
                died = True
        rows = query(copy, "SELECT value FROM measures WHERE measure = 'sharpness'").column(0).to_pylist()
        assert rows in ([], [0.5])
        assert is_measured(copy, own, SHARP) == bool(rows)
        assert add_measure(own, SHARP, 0.5) != bool(rows)
        assert query(copy, "SELECT value FROM measures WHERE measure = 'sharpness'").column(0).to_pylist() == [0.5]
        if not died:
            break
    assert step >= 5


def _add(root: str, trial_id: str, number: int, start: Any) -> None:
    folder = Store.open(root).folder(trial_id)
    start.wait()
    for rho in range(20):
        add_measure(folder, Quantity("sharpness", json.dumps({"rho": float(rho)})), 100.0 * number + rho)


@pytest.mark.usefixtures("settled")
def test_three_writers_and_a_compactor(store: Store, folder: TrialFolder) -> None:
    context = multiprocessing.get_context("fork")
    start = context.Barrier(4)
    writers = [context.Process(target=_add, args=(str(store.root), folder.trial_id, n, start)) for n in range(3)]
    for writer in writers:
        writer.start()
    start.wait()
    seen = 0
    while any(writer.is_alive() for writer in writers):
        compact(store)
        count = query(store, "SELECT count(*) AS n FROM measures WHERE measure = 'sharpness'").column(0)[0].as_py()
        assert count >= seen, "a measure that was there is gone"
        seen = count
    assert all(writer.exitcode == 0 for writer in writers)
    sql = "SELECT settings, value FROM measures WHERE measure = 'sharpness'"
    rows = {json.loads(row["settings"])["rho"]: row["value"] % 100 for row in query(store, sql).to_pylist()}
    assert rows == {float(rho): float(rho) for rho in range(20)}
    assert query(store, sql).num_rows == 20


def test_a_damaged_one_is_taken_again_and_costs_no_training(
    store: Store, folder: TrialFolder, caplog: pytest.LogCaptureFixture
) -> None:
    add_measure(folder, SHARP, 0.5)
    path = file_of(folder, SHARP)
    path.write_bytes(path.read_bytes()[:-9])
    assert query(store, "SELECT * FROM measures").num_rows == 1
    assert "`sambench measure` takes it again" in caplog.text
    assert not set_aside_damaged(store, [folder.trial_id])
    assert [finding.path for finding in check.check(store) if finding.bad] == [path]
    assert not is_measured(store, folder, SHARP)
    assert add_measure(folder, SHARP, 0.5)
    assert result(store)["sharpness"] == 0.5
