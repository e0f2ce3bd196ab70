"""One cluster for all tests of a session, also when several processes of pytest-xdist run them."""

from __future__ import annotations

import fcntl
import getpass
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import plugins
from tests.shared import locked
from tests.shared.plugins import forgotten
from tests.slurm.site.cluster import Cluster
from tests.slurm.site.daemons import missing_programs

QUICK = {"grace": 10, "kill_wait": 5, "requeue_delay": 10, "max_array": 21}
"""Settings that keep tests short, and arrays too, so that sweeps need several."""


def require_slurm() -> None:
    """Skip the test where SLURM isn't installed, or fail where it must be."""
    if missing := missing_programs():
        reason = f"SLURM is not installed: no {', '.join(missing)}"
        if os.environ.get("SAMBENCH_REQUIRE_SLURM") == "1":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)


@pytest.fixture(scope="session")
def slurm(shared_folder: Path) -> Iterator[Cluster]:
    """A running cluster. Tests that break it, or need all of it, take `slurm_alone`."""
    require_slurm()
    cluster = Cluster(shared_folder / "slurm", **QUICK)
    users, change, turn = (shared_folder / f"slurm.{name}" for name in ("users", "change", "turn"))
    with locked(users, fcntl.LOCK_SH):
        # Not while a test of another process has killed a daemon: that would look like a crash.
        with locked(turn, fcntl.LOCK_SH), locked(change, fcntl.LOCK_EX):
            cluster.up()
        yield cluster
    with locked(change, fcntl.LOCK_EX):
        try:
            with locked(users, fcntl.LOCK_EX | fcntl.LOCK_NB):
                cluster.down()
        except BlockingIOError:
            # Another process uses the cluster; the last one takes it down.
            return


@pytest.fixture(autouse=True)
def slurm_turn(request: pytest.FixtureRequest, shared_folder: Path) -> Iterator[None]:
    """Tests on the cluster run beside each other, but none beside one that has it alone."""
    if "slurm" not in request.fixturenames:
        yield
        return
    request.getfixturevalue("slurm")
    kind = fcntl.LOCK_EX if "slurm_alone" in request.fixturenames else fcntl.LOCK_SH
    with locked(shared_folder / "slurm.turn", kind):
        yield


@pytest.fixture
def slurm_alone(slurm_turn: None, slurm: Cluster) -> Iterator[Cluster]:
    """The cluster without other tests and jobs; made whole again afterwards."""
    restore(slurm)
    yield slurm
    restore(slurm)


def restore(cluster: Cluster) -> None:
    for daemon in cluster.daemons.values():
        if not daemon.alive:
            daemon.start()
    cluster.run("scancel", f"--user={getpass.getuser()}")
    cluster.wait_until_idle()


@pytest.fixture
def afresh() -> Iterator[None]:
    """As in a new process, which may import plug-ins."""
    with forgotten():
        plugins.import_them()
        yield
