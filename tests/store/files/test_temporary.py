"""Temporary files of killed processes are removed, those of living ones and of others aren't."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.store import Store, acquire, compact, files
from bench.store.claims.lease import lease
from bench.store.files import temporary
from bench.store.upkeep.check import check
from bench.store.upkeep.repair import remove_leftovers
from bench.store.upkeep.workspace import workspace
from bench.trial import Trial
from tests.shared.store import finish

Make = Callable[..., Trial]
ELSEWHERE = f".tmp-{'0' * 12}-1-1-{'0' * 16}"
EARLIER = ".tmp-abcd_123"
OTHERS = (".tmp-notes", ".tmp-0-1-2-3", ".tmp", "file.tmp")


def left_by_a_killed_process(*folders: Path) -> list[Path]:
    """A half-written file in each folder, of a process that is gone."""
    pid = os.fork()
    if pid == 0:
        for folder in folders:
            (folder / temporary.new_name()).write_bytes(b"half")
        os._exit(0)
    os.waitpid(pid, 0)
    found = [path for folder in folders for path in folder.glob(f".tmp-*-{pid}-*")]
    assert len(found) == len(folders)
    return found


def test_only_files_of_processes_that_are_gone_are_left(tmp_path: Path) -> None:
    (dead,) = left_by_a_killed_process(tmp_path)
    for name in (temporary.new_name(), ELSEWHERE, EARLIER, *OTHERS):
        (tmp_path / name).touch()
    assert temporary.left_in(tmp_path) == [dead]
    long_ago = time.time() - temporary.SILENCE - 1
    for path in tmp_path.iterdir():
        os.utime(path, (long_ago, long_ago))
    # Of what can't be seen here, silence tells; whoever lives here may sleep for as long as he likes.
    assert temporary.left_in(tmp_path) == sorted((dead, tmp_path / ELSEWHERE, tmp_path / EARLIER))
    temporary.sweep(tmp_path)
    assert not dead.exists()
    assert len(list(tmp_path.iterdir())) == 1 + len(OTHERS)


@pytest.mark.parametrize("at", ["claim", "lease", "compaction", "workspace", "file of a user"])
def test_who_comes_by_removes_them(store: Store, make_trial: Make, tmp_path: Path, at: str) -> None:
    finish(store, make_trial(seed=0), "error" if at == "claim" else "done", test_accuracy=90.0)
    folder = store.folder(make_trial(seed=0).trial_id)
    files.make_folder(folder.later)
    user = tmp_path / "of a user"
    user.mkdir()
    places = {
        "claim": (folder.attempts,),
        "lease": (folder.later,),
        "compaction": (folder.path, folder.attempts, folder.later),
        "workspace": (store.root,),
        "file of a user": (user,),
    }
    left = left_by_a_killed_process(*places[at])
    if at == "claim":
        held = acquire(store, folder, "test", seen=9)
        assert held is not None
        held.abandon()
    elif at == "lease":
        with lease(store, folder, "test"):
            pass
    elif at == "compaction":
        compact(store)
    elif at == "workspace":
        with workspace(store, "test"):
            pass
    else:
        files.put(user / "results.parquet", b"whole")
    assert not any(path.exists() for path in left)


def test_what_nobody_comes_by_is_told_and_removed_on_demand(store: Store, make_trial: Make) -> None:
    finish(store, make_trial(seed=0), test_accuracy=90.0)
    folder = store.folder(make_trial(seed=0).trial_id)
    left = left_by_a_killed_process(store.root, store.trials, folder.path, folder.attempts)
    (folder.path / temporary.new_name()).touch()
    abandoned = store.root / left[0].name.replace(".tmp-", ".work-")
    abandoned.mkdir()
    expected = {("orphan", path) for path in (*left, abandoned)}
    assert expected <= {(finding.kind, finding.path) for finding in check(store)}
    assert not any(finding.bad for finding in check(store))
    assert remove_leftovers(store) == len(expected)
    assert len(list(store.root.rglob(".*"))) == 1, "that of a living process stays"
