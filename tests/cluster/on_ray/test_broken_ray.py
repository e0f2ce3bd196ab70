"""A Ray that loses its own daemons, in a run or at its end, leaves nothing and costs nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from bench.store import Store, states
from bench.sweep import load
from tests.cluster.drivers import SWEEP, descendants, driver, holder_in_training
from tests.conftest import command_environment
from tests.shared.timing import patience, wait_for

pytestmark = pytest.mark.slow


def pid_of(daemon: str, run: int) -> int:
    """Process id of a run's daemon; 0 as long as it has none."""
    for pid in descendants(run):
        with suppress(OSError):
            if Path(f"/proc/{pid}/comm").read_text().strip() == daemon:
                return pid
    return 0


@pytest.mark.share(1, of="a broken Ray")
@pytest.mark.parametrize("daemon", ["raylet", "gcs_server"])
@pytest.mark.parametrize("amid", ["start", "training"])
def test_a_killed_daemon_ends_the_run_with_one_sentence(tmp_path: Path, daemon: str, amid: str) -> None:
    (tmp_path / "sweep.yaml").write_text(SWEEP, encoding="utf-8")
    with driver(tmp_path / "sweep.yaml", "ray") as run:
        wait_for(lambda: pid_of(daemon, run.pid) or run.poll() is not None)
        if amid == "training":
            wait_for(lambda: holder_in_training(tmp_path / "store") or run.poll() is not None)
        left = descendants(run.pid)
        os.kill(pid_of(daemon, run.pid), signal.SIGKILL)
        # Ray itself waits for half a minute while it starts.
        _, said = run.communicate(timeout=patience(120))
    assert run.returncode == 2, said
    assert "Traceback" not in said
    told = f"Ray broke down, its {daemon} is gone; nothing is lost: run the same command to go on"
    assert (told if amid == "training" else "Ray can't be started: ") in said
    wait_for(lambda: not any(Path(f"/proc/{pid}/exe").exists() for pid in left))
    (trial,) = load(tmp_path / "sweep.yaml").trials
    store = Store.open(tmp_path / "store")
    # The worker may come to its end before it misses Ray.
    wait_for(lambda: states(store, [trial.trial_id])[trial.trial_id].status in ("missing", "done"))


WORKING = """
import os
import signal
import time
from cluster.on_ray.environment import prepare
prepare(None)
import ray
from bench.store.claims.process import process_started
from cluster.on_ray.connection import Connection

connection = Connection(None, threads=1)
worker, raylet = ray.get(ray.remote(lambda: (os.getpid(), os.getppid())).remote())
shutdown = ray.shutdown

def after_a_second():
    os.kill(raylet, signal.SIGKILL)
    while process_started(raylet):
        time.sleep(0.01)
    # As slow to end itself as can be. Stopped before it was an orphan, it would have been sent a SIGHUP.
    os.kill(worker, signal.SIGSTOP)
    shutdown()

BEFORE
connection.close()
print(*(process_started(pid) for pid in (worker, raylet)))
for pid in (worker, raylet):
    if process_started(pid):
        os.kill(pid, signal.SIGKILL)
"""


@pytest.mark.share(1, of="a Ray that is slow to stop")
@pytest.mark.parametrize(
    "before",
    [
        # Its daemon has a second to end the workers, too little on a busy machine: their trials would seem to run.
        pytest.param("ray.shutdown = after_a_second", id="workers"),
        # Ray waits for a daemon that doesn't answer for ever.
        pytest.param("os.kill(raylet, signal.SIGSTOP)", id="daemon"),
    ],
)
def test_a_ray_that_was_stopped_is_dead(tmp_path: Path, before: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WORKING.replace("BEFORE", before)],
        cwd=tmp_path, env=command_environment(tmp_path), capture_output=True, text=True, check=True,
        timeout=patience(120),
    )  # fmt: skip
    assert done.stdout.split()[-2:] == ["None", "None"], done.stderr
