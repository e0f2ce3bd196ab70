"""The journal: readers see the same with and without it, whatever happens to it or to the files it was made of."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from bench.store import Store, compact, connect, journal, query, snapshot, tables
from bench.store.measured import Quantity, add_measure
from bench.trial import Trial
from tests.store.contents import contents
from tests.store.test_claim import ended
from tests.store.test_query import finish

Make = Callable[..., Trial]
DONE = 6
"""Trials of the store `mixed` that are done."""


def the_journal(store: Store) -> Path:
    (path,) = journal.paths(store)
    return path


def noted(store: Store, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The trials of which a reader takes a journal's word."""
    found: list[snapshot.Loose] = []

    def spied(*arguments: Any) -> snapshot.Loose:
        found.append(snapshot.find_loose(*arguments))
        return found[-1]

    with monkeypatch.context() as patched:
        patched.setattr(tables, "find_loose", spied)
        connect(store).close()
    return set(found[0].noted)


def done(store: Store) -> set[str]:
    rows = query(store, "SELECT trial_id FROM attempts WHERE outcome = 'done'").column("trial_id")
    return set(rows.to_pylist())


def test_what_is_read_is_the_same_without_it(mixed: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    assert noted(mixed, monkeypatch) == done(mixed)
    assert len(done(mixed)) == DONE
    with_it = contents(mixed)
    the_journal(mixed).unlink()
    assert not noted(mixed, monkeypatch)
    assert contents(mixed) == with_it


@pytest.mark.parametrize("file", ["attempts/0001.parquet", "measures.parquet", "trial.json"])
def test_a_line_serves_only_while_its_files_are_as_they_were(
    mixed: Store, make_trial: Make, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    trial_id, before = make_trial(seed=0).trial_id, contents(mixed)
    path = mixed.folder(trial_id).path / file
    found = path.stat()
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns + 1))
    assert noted(mixed, monkeypatch) == done(mixed) - {trial_id}
    assert contents(mixed) == before
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
    assert noted(mixed, monkeypatch) == done(mixed)
    path.unlink()
    assert trial_id not in noted(mixed, monkeypatch)


def test_a_trial_that_ran_again_is_read_by_its_new_line(
    store: Store, make_trial: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    for accuracy in (50.0, 60.0):
        finish(store, make_trial(), test_accuracy=accuracy)
        kept = store.set_aside(store.folder(make_trial().trial_id))
    shutil.copytree(kept, store.folder(make_trial().trial_id).path)
    assert len(the_journal(store).read_text().splitlines()) == 1 + 2
    assert noted(store, monkeypatch) == {make_trial().trial_id}
    assert query(store, "SELECT test_accuracy FROM results").to_pylist() == [{"test_accuracy": 60.0}]


@pytest.mark.parametrize("torn", [b'\n{"trial_id": "', b"\n\0\0\0\0", b"\n[]", b'\n{"stamps": 3}', b"\n\xff"])
def test_what_is_torn_spoils_no_other_line(
    mixed: Store, make_trial: Make, monkeypatch: pytest.MonkeyPatch, torn: bytes
) -> None:
    with the_journal(mixed).open("ab") as file:
        file.write(torn)
    finish(mixed, make_trial(seed=20), test_accuracy=1.0)
    assert noted(mixed, monkeypatch) == done(mixed)
    assert len(done(mixed)) == DONE + 1


def test_a_line_that_lost_its_end_is_passed_over(mixed: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    before = contents(mixed)
    os.truncate(the_journal(mixed), the_journal(mixed).stat().st_size - 30)
    assert len(noted(mixed, monkeypatch)) == DONE - 1
    assert contents(mixed) == before


def test_lines_that_are_added_at_once_are_whole(mixed: Store, make_trial: Make) -> None:
    folder = mixed.folder(make_trial(seed=0).trial_id)
    row = dataclasses.asdict(ended(folder, 1))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: journal.note(folder, row), range(100)))
    blank, *lines = the_journal(mixed).read_text().split("\n")
    assert (blank, len(lines)) == ("", DONE + 100)
    assert all(json.loads(line)["record"]["outcome"] == "done" for line in lines)


def test_later_measures_are_read_beside_it(mixed: Store, make_trial: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    trial_id = make_trial(seed=0).trial_id
    assert add_measure(mixed.folder(trial_id), Quantity("sharpness", "{}"), 0.5)
    assert trial_id in noted(mixed, monkeypatch)
    rows = query(mixed, f"SELECT sharpness, test_accuracy FROM results WHERE trial_id = '{trial_id}'").to_pylist()
    assert rows == [{"sharpness": 0.5, "test_accuracy": 90.0}]


def test_compaction_reads_the_files_and_ends_the_journal(mixed: Store, make_trial: Make) -> None:
    broken = mixed.folder(make_trial(seed=0).trial_id).measures
    data, found = bytearray(broken.read_bytes()), broken.stat()
    data[30] ^= 0x10
    broken.write_bytes(data)
    # As a disk does it, which leaves the time as it was.
    os.utime(broken, ns=(found.st_atime_ns, found.st_mtime_ns))
    before = contents(mixed)
    assert compact(mixed).trials == 7 - 1
    assert contents(mixed) == before
    assert len(the_journal(mixed).read_text().splitlines()) == 1, "of the damaged trial, which stays in its folder"
    mixed.set_aside(mixed.folder(make_trial(seed=0).trial_id))
    compact(mixed)
    assert not journal.paths(mixed)


def test_a_result_is_recorded_where_no_journal_can_be(store: Store, make_trial: Make) -> None:
    (store.root / "journal").write_text("in the way")
    finish(store, make_trial(), test_accuracy=90.0)
    assert query(store, "SELECT test_accuracy FROM results").to_pylist() == [{"test_accuracy": 90.0}]


def test_a_measure_that_is_no_number_is_left_to_its_file(
    store: Store, make_trial: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish(store, make_trial(), test_accuracy=float("nan"))
    assert not noted(store, monkeypatch)
    assert query(store, "SELECT isnan(value) AS it FROM measures").to_pylist() == [{"it": True}]


def test_few_trials_are_read_from_their_files(mixed: Store, make_trial: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where reading the journals would take longer."""
    monkeypatch.setattr(journal, "_WORTH", the_journal(mixed).stat().st_size / 2)
    assert noted(mixed, monkeypatch)
    with connect(mixed, only=[make_trial(seed=0).trial_id]) as connection:
        assert connection.execute("SELECT count(*) FROM store_0.journal").fetchone() == (0,)
