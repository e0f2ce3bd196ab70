"""Claims: one holder at a time, taken over only from the dead."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from bench.store import ClaimLost, Store, TrialFolder, acquire, connect, states
from bench.store.claims import claim, lease
from bench.store.claims.lease import is_leased
from bench.trial import Trial
from tests.shared.store import dead_claim, ended
from tests.shared.timing import wait_for

ELSEWHERE = "another-boot/pid:[1]"


@pytest.fixture
def folder(store: Store, make_trial: Callable[..., Trial]) -> TrialFolder:
    trial = make_trial()
    store.add([trial])
    return store.folder(trial.trial_id)


def test_a_held_trial_is_refused_until_its_attempt_ends(store: Store, folder: TrialFolder) -> None:
    held = acquire(store, folder, "test")
    assert held is not None
    assert acquire(store, folder, "test") is None
    held.end(ended(folder, 1, "preempted"))
    again = acquire(store, folder, "test")
    assert again is not None
    assert again.number == 2


def test_a_done_trial_is_never_claimed_again(store: Store, folder: TrialFolder) -> None:
    held = acquire(store, folder, "test")
    assert held is not None
    held.end(ended(folder, 1))
    assert acquire(store, folder, "test", seen=1) is None


def test_a_failure_is_tried_again_only_by_who_knew_of_it(store: Store, folder: TrialFolder) -> None:
    held = acquire(store, folder, "test")
    assert held is not None
    held.end(ended(folder, 1, "error"))
    assert acquire(store, folder, "test", seen=0) is None
    assert acquire(store, folder, "test", seen=1) is not None


def test_the_claim_of_a_dead_process_is_taken_over_at_once(store: Store, folder: TrialFolder) -> None:
    pid = dead_claim(folder)
    taken = acquire(store, folder, "test")
    assert taken is not None
    assert taken.number == 2
    with connect(store, ["attempts"]) as connection:
        rows = connection.execute("SELECT attempt, outcome, pid, message FROM attempts").fetchall()
    assert rows == [(1, "crashed", pid, rows[0][3])]
    assert "vanished" in rows[0][3]


def test_a_silent_claim_of_another_machine_is_taken_over_after_a_while(
    store: Store, folder: TrialFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead_claim(folder)
    path = folder.claim(1)
    holder = json.loads(path.read_text())
    path.write_text(json.dumps(holder | {"machine": ELSEWHERE}))
    assert acquire(store, folder, "test") is None
    os.utime(path, (time.time() - lease.STALE - 1,) * 2)
    assert acquire(store, folder, "test") is not None


def test_a_claim_from_the_future_is_of_a_clock_that_was_put_back(store: Store, folder: TrialFolder) -> None:
    acquire(store, folder, "test")
    path = folder.claim(1)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"machine": ELSEWHERE}))
    os.utime(path, (time.time() + lease.STALE - 5,) * 2)
    assert acquire(store, folder, "test") is None, "clocks differ a little"
    os.utime(path, (time.time() + 10 * lease.STALE,) * 2)
    assert acquire(store, folder, "test") is not None


def test_an_interrupted_attempt_is_over_though_its_process_lives(store: Store, folder: TrialFolder) -> None:
    held = acquire(store, folder, "test")
    assert held is not None
    held.interrupt()
    assert states(store, [folder.trial_id])[folder.trial_id].status == "missing"
    assert acquire(store, folder, "test") is not None
    (row,) = store_outcomes(store)
    assert row == "preempted"


def store_outcomes(store: Store) -> list[str]:
    with connect(store, ["attempts"]) as connection:
        return [row[0] for row in connection.execute("SELECT outcome FROM attempts").fetchall()]


def test_the_heartbeat_touches_the_claim(store: Store, folder: TrialFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "HEARTBEAT", 0.05)
    held = acquire(store, folder, "test")
    assert held is not None
    os.utime(folder.claim(1), (1.0, 1.0))
    wait_for(lambda: folder.claim(1).stat().st_mtime != 1.0, pause=0.02)
    held.abandon()


def test_a_worker_that_was_taken_over_learns_of_it(store: Store, folder: TrialFolder) -> None:
    """It slept too long: its attempt is recorded as lost, and it must neither write nor finish."""
    sleeper = acquire(store, folder, "test")
    assert sleeper is not None
    path = folder.claim(1)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"machine": ELSEWHERE}))
    os.utime(path, (1.0, 1.0))
    assert acquire(store, folder, "test") is not None
    with pytest.raises(ClaimLost):
        sleeper.verify()
    with pytest.raises(ClaimLost):
        sleeper.end(ended(folder, 1))
    with connect(store, ["attempts"]) as connection:
        outcomes = connection.execute("SELECT outcome FROM attempts").fetchall()
    assert outcomes == [("lost",)]


RACE = """
import json, sys
from bench.store import Store, acquire
store, ids = Store.open(sys.argv[1]), sys.argv[2:]
print("ready", flush=True)
sys.stdin.readline()
held = [(trial_id, claim.number) for trial_id in ids if (claim := acquire(store, store.folder(trial_id), "test"))]
print(json.dumps(held), flush=True)
# Until all are through: what a process holds that is gone may be taken over.
sys.stdin.readline()
"""


@pytest.mark.slow
def test_of_many_processes_one_wins_each_trial(store: Store, make_trial: Callable[..., Trial]) -> None:
    trials = [make_trial(seed=seed) for seed in range(20)]
    store.add(trials)
    ids = [trial.trial_id for trial in trials]
    # Of a fifth of the trials there is a dead claim that all will try to take over.
    for trial_id in ids[::5]:
        dead_claim(store.folder(trial_id))
    command = [sys.executable, "-c", RACE, str(store.root), *ids]
    with ExitStack() as stack:
        pipe = subprocess.PIPE
        racers = [stack.enter_context(subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)) for _ in range(6)]
        assert [_line(racer) for racer in racers] == ["ready\n"] * 6
        _go(racers)
        won = [json.loads(_line(racer)) for racer in racers]
        _go(racers)
    winners = sorted((trial_id, number) for each in won for trial_id, number in each)
    assert winners == sorted((trial_id, 2 if trial_id in ids[::5] else 1) for trial_id in ids)


def _line(racer: subprocess.Popen[str]) -> str:
    assert racer.stdout is not None
    return racer.stdout.readline()


def _go(racers: list[subprocess.Popen[str]]) -> None:
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()


@pytest.mark.parametrize("outcome", ["oom", "diverged", "error"])
def test_a_final_failure_is_failed(store: Store, folder: TrialFolder, outcome: str) -> None:
    held = acquire(store, folder, "test")
    assert held is not None
    held.end(ended(folder, 1, outcome))
    assert states(store, [folder.trial_id])[folder.trial_id].status == "failed"


def test_a_trial_that_crashes_thrice_is_failed(store: Store, folder: TrialFolder) -> None:
    for crashes in range(1, 4):
        dead_claim(folder)
        acquire_again = crashes < 3
        found = states(store, [folder.trial_id])[folder.trial_id]
        assert found.status == "missing"
        claim.close_dead(store, folder, crashes)
        assert states(store, [folder.trial_id])[folder.trial_id].status == ("missing" if acquire_again else "failed")


def test_state_while_a_worker_is_at_it(store: Store, folder: TrialFolder) -> None:
    assert states(store, [folder.trial_id])[folder.trial_id].status == "missing"
    held = acquire(store, folder, "test")
    assert held is not None
    assert states(store, [folder.trial_id])[folder.trial_id].status == "running"
    held.end(ended(folder, 1))
    assert states(store, [folder.trial_id])[folder.trial_id].status == "done"


def test_a_stopped_process_still_holds_its_claim(store: Store, folder: TrialFolder) -> None:
    """SIGSTOP is not death: on its own machine a claim lives as long as the process."""
    script = (
        "import sys, time; from bench.store import Store, acquire\n"
        "store = Store.open(sys.argv[1]); acquire(store, store.folder(sys.argv[2]), 'test')\n"
        "print('held', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", script, str(store.root), folder.trial_id]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        process.send_signal(signal.SIGSTOP)
        os.utime(folder.claim(1), (1.0, 1.0))
        assert acquire(store, folder, "test") is None
        process.kill()
        process.wait()
        assert acquire(store, folder, "test") is not None


def test_a_lease_has_one_holder_and_is_taken_over_from_the_dead(store: Store, folder: TrialFolder) -> None:
    with lease.lease(store, folder, "test") as ours:
        assert ours
        assert is_leased(store, folder)
        with lease.lease(store, folder, "test") as second:
            assert not second
    assert not is_leased(store, folder)
    script = (
        "import os, sys; from bench.store import Store; from bench.store.claims.lease import lease\n"
        "store = Store.open(sys.argv[1])\n"
        "with lease(store, store.folder(sys.argv[2]), 'test'): os._exit(9)"
    )
    died = subprocess.run([sys.executable, "-c", script, str(store.root), folder.trial_id], check=False)
    assert died.returncode == 9
    assert [path.name for path in folder.later.iterdir()] == ["0001.claim"]
    assert not is_leased(store, folder)
    with lease.lease(store, folder, "test") as ours:
        assert ours
        assert sorted(path.name for path in folder.later.iterdir()) == ["0001.claim", "0002.claim"]
    assert [path.name for path in folder.later.iterdir()] == ["0001.claim"]
