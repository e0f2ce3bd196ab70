"""Compaction: every trial once, whatever is going on and wherever it is killed."""

from __future__ import annotations

import itertools
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.resources import Retries
from bench.store import (
    Store,
    acquire,
    bury,
    cleaning,
    compact,
    connect,
    manifest,
    query,
    set_aside_damaged,
    state_of,
    states,
)
from bench.store import compaction as folding
from bench.store.compaction import Folded
from bench.store.results import write_history, write_measures
from bench.trial import Trial
from tests.store.test_claim import dead_claim, ended
from tests.store.test_query import finish

TABLES = ("trials", "attempts", "history", "measures", "results")
Make = Callable[..., Trial]


def contents(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, columns by name."""
    read = {}
    with connect(store) as connection:
        for table in TABLES:
            rows = connection.sql(f"SELECT * FROM {table}").to_arrow_table().to_pylist()
            read[table] = sorted((tuple(sorted(row.items())) for row in rows), key=repr)
    return read


def loose(store: Store) -> list[str]:
    return sorted(str(path.relative_to(store.root / "trials")) for path in store.root.glob("trials/*/**/*.parquet"))


@pytest.fixture
def filled(store: Store, make_trial: Make) -> Store:
    """Done, failed and retried, preempted, running by a dead worker, never tried; settings of several types."""
    for seed in range(3):
        finish(store, make_trial(seed=seed), test_accuracy=90.0 + seed)
    finish(store, make_trial(seed=3), "error")
    finish(store, make_trial(seed=3), test_accuracy=92.0)
    finish(store, make_trial(seed=4), "error")
    finish(store, make_trial(seed=5), "preempted")
    store.add([make_trial(seed=6), make_trial(seed=7)])
    dead_claim(store.folder(make_trial(seed=7).trial_id))
    for sparsity in (0.5, "only_norm"):
        finish(
            store, make_trial(variant="sam", scope="random", rho=1.0, settings=(("sparsity", sparsity),)), lr_curve=1.0
        )
    return store


def test_tables_are_the_same_before_and_after(filled: Store, make_trial: Make) -> None:
    before = contents(filled)
    assert compact(filled) == Folded(trials=7, removed=6 * 3 + 1)
    assert contents(filled) == before
    kept = {path.split("/")[0] for path in loose(filled)}
    assert kept == {make_trial(seed=seed).trial_id for seed in (4, 5)}
    assert all(folder.trial.exists() for folder in filled.folders())
    assert compact(filled) == Folded()


def test_nothing_is_compacted_of_an_empty_store(store: Store) -> None:
    assert compact(store) == Folded()
    assert query(store, "SELECT * FROM results").num_rows == 0


def test_states_and_claims_are_the_same(filled: Store, make_trial: Make) -> None:
    ids = [folder.trial_id for folder in filled.folders()]
    before = states(filled, ids)
    compact(filled)
    assert states(filled, ids) == before
    for trial_id, state in before.items():
        assert state_of(filled, filled.folder(trial_id), Retries()) == state
        taken = acquire(filled, filled.folder(trial_id), "test")
        assert (taken is None) == (state.status in ("done", "failed"))
    assert not set_aside_damaged(filled, ids)


def test_a_done_trial_without_a_folder_is_neither_added_nor_claimed(filled: Store, make_trial: Make) -> None:
    trial = make_trial(seed=0)
    compact(filled)
    before = contents(filled)
    shutil.rmtree(filled.folder(trial.trial_id).path)
    filled.add([trial])
    assert not filled.folder(trial.trial_id).path.exists()
    assert acquire(filled, filled.folder(trial.trial_id), "test", seen=9) is None
    assert bury(filled, filled.folder(trial.trial_id), 1)
    assert states(filled, [trial.trial_id])[trial.trial_id].status == "done"
    assert contents(filled) == before


def test_an_attempt_after_compaction_is_read_and_folded_in_turn(filled: Store, make_trial: Make) -> None:
    trial = make_trial(seed=4)
    compact(filled)
    finish(filled, trial, test_accuracy=77.0)
    rows = query(filled, f"SELECT outcome, attempt, test_accuracy FROM results WHERE trial_id = '{trial.trial_id}'")
    assert rows.to_pylist() == [{"outcome": "done", "attempt": 2, "test_accuracy": 77.0}]
    before = contents(filled)
    assert (
        len(before["attempts"]) == len({row[[n for n, _ in row].index("trial_id")] for row in before["attempts"]}) + 2
    )
    assert compact(filled).trials == 1
    assert contents(filled) == before
    assert not list((filled.root / "changed").iterdir())
    assert not [path for path in loose(filled) if path.startswith(trial.trial_id)]


def test_measures_after_compaction_are_read(filled: Store, make_trial: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = filled.folder(make_trial(seed=0).trial_id)
    compact(filled)
    write_measures(folder, {"test_accuracy": 90.0, "sharpness": 3.0})
    sql = f"SELECT test_accuracy, sharpness FROM results WHERE trial_id = '{folder.trial_id}'"
    assert query(filled, sql).to_pylist() == [{"test_accuracy": 90.0, "sharpness": 3.0}]
    assert compact(filled).trials == 0, "it may still be written"
    monkeypatch.setattr(folding, "SETTLED", 0.0)
    before = contents(filled)
    assert compact(filled).trials == 1
    assert contents(filled) == before
    assert not folder.measures.exists()


def test_a_trial_that_lost_its_folder_goes_on_with_the_next_number(filled: Store, make_trial: Make) -> None:
    trial = make_trial(seed=4)
    compact(filled)
    shutil.rmtree(filled.folder(trial.trial_id).path)
    filled.add([trial])
    finish(filled, trial, test_accuracy=50.0)
    attempts = query(filled, f"SELECT attempt, outcome FROM attempts WHERE trial_id = '{trial.trial_id}' ORDER BY 1")
    assert attempts.to_pylist() == [{"attempt": 1, "outcome": "error"}, {"attempt": 2, "outcome": "done"}]


def test_small_parts_are_absorbed(store: Store, make_trial: Make) -> None:
    for seed in range(8):
        finish(store, make_trial(seed=seed), test_accuracy=float(seed))
        assert compact(store).trials == 1
    assert len(manifest.current(store.root).parts) <= 4
    assert query(store, "SELECT test_accuracy FROM results ORDER BY 1").column(0).to_pylist() == list(range(8))


def test_files_that_no_manifest_names_are_removed(
    store: Store, make_trial: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleaning, "GRACE", -1.0)
    for seed in range(5):
        finish(store, make_trial(seed=seed), test_accuracy=float(seed))
        compact(store)
    live = manifest.current(store.root)
    old = manifest.load(live.folder, live.generation - 1)
    found = {path.name for path in live.folder.glob("*.parquet")}
    assert found == set(live.sizes) | set(old.sizes)
    assert len(manifest.generations_of(live.folder)) == 2


def test_a_damaged_trial_is_not_compacted(filled: Store, make_trial: Make, caplog: pytest.LogCaptureFixture) -> None:
    broken, unknown = (filled.folder(make_trial(seed=seed).trial_id) for seed in (0, 1))
    broken.measures.write_bytes(broken.measures.read_bytes()[:-10])
    unknown.trial.write_text("{")
    assert compact(filled).trials == 5
    assert str(broken.measures) in caplog.text
    assert set(set_aside_damaged(filled, [broken.trial_id, unknown.trial_id])) == {broken.measures, unknown.trial}


def test_of_two_compactions_one_wins(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    before = contents(filled)
    write = folding.part.write

    def slow(*arguments: Any) -> Any:
        monkeypatch.setattr(folding.part, "write", write)
        assert compact(filled).trials == 7
        return write(*arguments)

    monkeypatch.setattr(folding.part, "write", slow)
    assert compact(filled) == Folded(overtaken=True)
    assert contents(filled) == before


class Killed(BaseException):
    """The process is gone: from here on it changes nothing."""


STEPS = ("link", "unlink", "rename", "replace", "fsync", "mkdir", "remove")


def die_at(monkeypatch: pytest.MonkeyPatch, step: int) -> Iterator[int]:
    """Let every change of the file system from number `step` on fail as if the process were dead."""
    counter = itertools.count()

    def deadly(change: Callable[..., Any]) -> Callable[..., Any]:
        def changed(*arguments: Any, **options: Any) -> Any:
            if next(counter) >= step:
                raise Killed
            return change(*arguments, **options)

        return changed

    for name in STEPS:
        monkeypatch.setattr(os, name, deadly(getattr(os, name)))
    return counter


def test_killed_at_every_step_it_loses_and_doubles_nothing(
    tmp_path: Path, store: Store, make_trial: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a store with a part, a changed trial and a new one; after each death the next compaction finishes the work."""
    finish(store, make_trial(seed=0), test_accuracy=90.0)
    finish(store, make_trial(seed=4), "error")
    compact(store)
    finish(store, make_trial(seed=4), test_accuracy=77.0)
    finish(store, make_trial(seed=8), test_accuracy=66.0)
    expected = contents(store)
    step, died = 0, True
    while died:
        copy = Store(tmp_path / f"copy-{step}")
        shutil.copytree(store.root, copy.root)
        with monkeypatch.context() as deadly:
            die_at(deadly, step)
            try:
                compact(copy)
                died = False
            except Killed:
                pass
        assert contents(copy) == expected, f"after step {step}"
        compact(copy)
        assert contents(copy) == expected, f"after step {step} and another compaction"
        assert not loose(copy)
        shutil.rmtree(copy.root)
        step += 1
    assert step > 25


def test_a_killed_process_leaves_a_whole_store(tmp_path: Path, store: Store, make_trial: Make) -> None:
    """SIGKILL, at moments spread over the run."""
    for seed in range(8):
        finish(store, make_trial(seed=seed), test_accuracy=float(seed))
    expected = contents(store)
    script = (
        "import sys; from bench.store import Store, compact; s = Store.open(sys.argv[1]); print(flush=True); compact(s)"
    )
    for wait in (0.0, 0.03, 0.06, 0.1, 0.2):
        with subprocess.Popen([sys.executable, "-c", script, str(store.root)], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(wait)
            process.send_signal(signal.SIGKILL)
        assert contents(store) == expected


def _write_many(root: str, number: int, base: str, start: Any) -> None:
    store, fields = Store.open(root), json.loads(base)
    start.wait()
    for seed in range(number * 5, number * 5 + 5):
        trial = Trial.from_dict({**fields, "seed": seed})
        if seed % 5 == 0:
            finish(store, trial, "error")
        finish(store, trial, test_accuracy=float(seed))


def test_sixteen_writers_a_compactor_and_a_reader_lose_nothing(store: Store, make_trial: Make) -> None:
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(17)
    base = json.dumps(make_trial().as_dict())
    writers = [context.Process(target=_write_many, args=(str(store.root), n, base, start)) for n in range(16)]
    for writer in writers:
        writer.start()
    start.wait()
    seen = 0
    while any(writer.is_alive() for writer in writers):
        compact(store)
        count = query(store, "SELECT count(*) AS n FROM results WHERE outcome = 'done'").column("n")[0].as_py()
        assert count >= seen, "a trial that was there is gone"
        seen = count
    assert all(writer.exitcode == 0 for writer in writers)
    for _ in range(2):
        rows = query(store, "SELECT seed, outcome, test_accuracy FROM results ORDER BY seed").to_pylist()
        assert rows == [{"seed": s, "outcome": "done", "test_accuracy": float(s)} for s in range(80)]
        assert query(store, "SELECT * FROM attempts").num_rows == 80 + 16
        assert query(store, "SELECT * FROM history").num_rows == 80
        compact(store)


def test_history_of_a_compacted_trial_that_runs_again(store: Store, make_trial: Make) -> None:
    """The worker writes its history before its attempt ends; until then readers see the earlier one."""
    trial = make_trial()
    finish(store, trial, "error")
    compact(store)
    folder = store.folder(trial.trial_id)
    held = acquire(store, folder, "test", seen=1)
    assert held is not None
    write_history(folder, [{"epoch": 1}, {"epoch": 2}])
    assert query(store, "SELECT * FROM history").num_rows == 1
    held.end(ended(folder, 2))
    assert query(store, "SELECT * FROM history").num_rows == 2
