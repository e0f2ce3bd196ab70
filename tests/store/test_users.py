"""Several users of one store: looking needs no permission to write, nobody's trial is taken for dead or damaged."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bench.store import Store, acquire, query
from bench.sweep import load
from bench.trial import Trial
from tests.conftest import TINY_SWEEP
from tests.shared.store import finish
from tests.store.users import ELSE, GROUP, SOMEBODY, as_user

Make = Callable[..., Trial]
HIDDEN = "mount -t proc -o hidepid=2 proc /proc"


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that all users reach; pytest's own, and often $TMPDIR, are private."""
    folder = Path(tempfile.mkdtemp(prefix="sambench-test-users-", dir="/tmp"))
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def shared(public: Path) -> Store:
    """A store that belongs to a group."""
    root = public / "store"
    root.mkdir()
    os.chown(root, -1, GROUP)
    root.chmod(0o2770)
    store = Store.create(root)
    os.chown(root / "store.json", -1, GROUP)
    return store


def read_only(store: Store) -> str:
    return f"mount --bind -o ro {store.root} {store.root}"


@pytest.mark.slow
@pytest.mark.share(2, of="several users")
def test_looking_needs_no_permission_to_write(public: Path) -> None:
    sweep = public / "tiny.yaml"
    sweep.write_text(TINY_SWEEP)
    trials = load(sweep).trials
    store = Store.create(public / "store")
    for trial in trials[:-2]:
        finish(store, trial, test_accuracy=90.0 + trial.seed)
    (store.folder(trials[0].trial_id).path / "log.txt").write_text("a line")
    store.add(trials)
    held = acquire(store, store.folder(trials[-1].trial_id), "test")
    assert held is not None
    before = sorted(store.root.rglob("*"))
    looking = [
        ["status", sweep], ["plan", sweep], ["board", sweep], ["logs", trials[0].trial_id], ["store", "check"],
        ["report", sweep, "--output", "r.html"], ["query", "SELECT count(*) FROM results"], ["sweeps", public],
        ["plot", sweep, "--output", "p.svg"], ["store", "export", "e.parquet"],
    ]  # fmt: skip
    writing = [
        ["run", sweep], ["cancel", sweep], ["compact"], ["measure", sweep], ["store", "check", "--repair"],
        ["store", "merge", store.root, "--into", "store"],
    ]  # fmt: skip
    told = as_user([*looking, *writing], public, mounts=read_only(store))
    for command, answer in zip(looking, told, strict=False):
        assert answer.code == 0, (command, answer)
    assert "1 running" in told[0].out
    assert "live claim" in told[4].out
    for command, answer in zip(writing, told[len(looking) :], strict=True):
        assert answer.code == 2, (command, answer)
        assert answer.err == f"store {store.root} is not writable: Read-only file system\n"
    assert sorted(store.root.rglob("*")) == before
    held.abandon()


@pytest.mark.slow
@pytest.mark.share(2, of="several users")
def test_a_folder_of_somebody_else_is_named_with_its_owner(public: Path) -> None:
    """As one that is mounted into a container, whose user is another than its owner."""
    sweep = public / "tiny.yaml"
    sweep.write_text(TINY_SWEEP)
    (public / "new").mkdir(mode=0o755)
    shutil.copytree(Store.create(public / "old").root, public / "mine")
    os.chown(public / "mine", SOMEBODY, -1)
    (public / "mine").chmod(0o555)
    told = as_user([["run", sweep, "--store", name] for name in ("new", "old", "mine")], public)
    assert [answer.code for answer in told] == [2, 2, 2]
    for name, answer in zip(("new", "old"), told, strict=False):
        whose = f"{public}/{name} belongs to user 0, and you are user {SOMEBODY}"
        assert answer.err.endswith(f"store {public}/{name} is not writable: {whose}\n")
    assert told[2].err.endswith("Permission denied\n")


@pytest.mark.slow
@pytest.mark.share(2, of="several users")
def test_a_worker_whose_process_is_hidden_is_judged_by_its_heartbeat(shared: Store, make_trial: Make) -> None:
    shared.add([make_trial()])
    folder = shared.folder(make_trial().trial_id)
    held = acquire(shared, folder, "test")
    assert held is not None
    held.abandon()
    for path in (folder.path, folder.attempts, folder.trial, folder.claim(1)):
        os.chown(path, -1, GROUP)
    program = f"""
from bench.store import Store, acquire, open_attempt
store = Store.open({str(shared.root)!r})
folder = store.folder({folder.trial_id!r})
print(open_attempt(store, folder), acquire(store, folder, "test") is not None)
"""
    seen = ["python", program]
    assert [told.out for told in as_user([seen], shared.root.parent, mounts=HIDDEN)] == ["1 False\n"]
    os.utime(folder.claim(1), (time.time() - 100,) * 2)
    assert [told.out for told in as_user([seen], shared.root.parent)] == ["1 False\n"], "where it is seen, it lives"
    assert [told.out for told in as_user([seen], shared.root.parent, mounts=HIDDEN)] == ["None True\n"]


@pytest.mark.slow
@pytest.mark.share(2, of="several users")
def test_a_folder_of_somebody_elses_ends_no_run(shared: Store, make_trial: Make) -> None:
    sweep = shared.root.parent / "two.yaml"
    sweep.write_text(TINY_SWEEP.partition("  - {variant")[0].replace("epochs: 2", "epochs: 1"))
    closed, open_ = load(sweep).trials
    finish(shared, closed, "preempted")
    shared.folder(closed.trial_id).path.chmod(0o700)
    finish(shared, make_trial(seed=5), test_accuracy=90.0)
    private = shared.folder(make_trial(seed=5).trial_id)
    for path in [shared.root, *shared.root.rglob("*")]:
        os.chown(path, -1, GROUP)
    private.history.chmod(0o600)
    told = as_user([["run", sweep, "--on", "inline"], ["status", sweep], ["store", "check"]], shared.root.parent)
    assert told[0].code == 1, told
    assert f"left out: {closed.trial_id}" in told[0].err
    assert "root doesn't let you" in told[0].err
    assert "damaged" not in told[0].err
    assert "1 done, 1 failed" in told[1].out
    assert "root doesn't let you" in " ".join(told[1].out.split())
    assert query(shared, f"FROM results WHERE trial_id = '{open_.trial_id}' AND outcome = 'done'").num_rows == 1
    assert private.history.exists()
    assert not (shared.root / "damaged").exists()


@pytest.mark.slow
@pytest.mark.share(2, of="several users")
def test_users_with_different_umasks_share_a_store(shared: Store) -> None:
    def program(outcome: str) -> list[str]:
        return [
            "python",
            f"""
from bench.store import Store, compact, query
from bench.trial import Trial
from tests.shared.store import finish
trial = Trial(dataset="digits", model="resnet8", optimizer="sgd", lr=0.05, weight_decay=0.0, batch_size=256, epochs=2,
              seed=0, settings=(("momentum", 0.9),))
store = Store.open({str(shared.root)!r})
finish(store, trial, {outcome!r}, test_accuracy=90.0)
print(compact(store).trials, query(store, "SELECT outcome FROM attempts ORDER BY attempt")["outcome"].to_pylist())
""",
        ]

    folder = shared.root.parent
    assert as_user([program("error")], folder, umask=0o077)[0].out == "1 ['error']\n"
    assert as_user([program("error")], folder, umask=0o022, uid=ELSE)[0].out == "1 ['error', 'error']\n"
    assert as_user([program("done")], folder, umask=0o077)[0].out == "1 ['error', 'error', 'done']\n"
    closed = [path for path in shared.root.rglob("*") if path.stat().st_mode & 0o060 != 0o060]
    assert all(path.parent.name == "changed" for path in closed), closed
    assert {path.stat().st_uid for path in shared.root.rglob("*")} >= {SOMEBODY, ELSE}
