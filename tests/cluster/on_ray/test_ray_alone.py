"""A Ray instance of a run's own: nobody else gets in, nothing of others leads it astray or is touched by it."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from bench.store import Store, query
from tests.cluster.drivers import SWEEP, descendants, holder_in_training
from tests.conftest import command_environment
from tests.shared.timing import wait_for

LISTENS = "0A"
LOOPBACK = {"0100007F", "0000000000000000FFFF00000100007F"}
"""127.0.0.1, on its own and in a socket of IPv6."""
STORE = "a store of $HOME %j 'é'\n{x}"


@pytest.fixture
def bait() -> Iterator[Path]:
    """A folder of somebody else's whose name an earlier version took for a leftover of its own."""
    folder = Path(tempfile.mkdtemp(prefix="sambench-my-store-", dir="/tmp"))
    (folder / "weights").touch()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.share(1, of="a Ray of its own")
@pytest.mark.slow
def test_a_run_of_its_own_is_closed_to_others_and_runs_our_code(tmp_path: Path, bait: Path) -> None:
    (tmp_path / "sweep.yaml").write_text(SWEEP, encoding="utf-8")
    for package in ("bench", "cluster", "torch"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("raise RuntimeError('another package of this name')")
    environment = command_environment(tmp_path) | {"RAY_ADDRESS": "127.0.0.1:1", "HOME": str(tmp_path)}
    del environment["PYTHONPATH"]
    run = subprocess.Popen(
        [Path(sys.executable).with_name("sambench"), "run", "sweep.yaml", "--store", STORE],
        cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        wait_for(lambda: holder_in_training(tmp_path / STORE) or run.poll() is not None)
        listening, folders = addresses(run.pid), ray_folders(run.pid)
        _, said = run.communicate(timeout=300)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGKILL)
        run.communicate()
    assert run.returncode == 0, said
    assert "RAY_ADDRESS is ignored; to use that cluster: --address 127.0.0.1:1" in said
    assert listening
    assert listening <= LOOPBACK
    assert len(folders) == 1
    assert stat.S_IMODE(folders[0][1]) == 0o700
    assert not folders[0][0].exists()
    assert (bait / "weights").exists()
    assert not (tmp_path / ".ray").exists(), "the token is the run's alone, and in no file"
    outcomes = query(Store.open(tmp_path / STORE), "SELECT outcome FROM attempts").column("outcome").to_pylist()
    assert outcomes == ["done"]


def addresses(pid: int) -> set[str]:
    """Where a process and those that it started listen, as the kernel writes it."""
    sockets = set()
    for process in (pid, *descendants(pid)):
        with suppress(FileNotFoundError):
            sockets |= {os.readlink(path) for path in Path("/proc", str(process), "fd").iterdir()}
    rows = [line.split() for name in ("tcp", "tcp6") for line in Path("/proc/net", name).read_text().splitlines()[1:]]
    return {row[1].partition(":")[0] for row in rows if row[3] == LISTENS and f"socket:[{row[9]}]" in sockets}


def ray_folders(pid: int) -> list[tuple[Path, int]]:
    """The folder that Ray was given by a run, and the mode of the one around it."""
    commands = [Path("/proc", str(process), "cmdline").read_text().split("\0") for process in descendants(pid)]
    logs = {
        part.removeprefix("--log_dir=") for command in commands for part in command if part.startswith("--log_dir=")
    }
    return [(folder, folder.parent.stat().st_mode) for folder in {Path(log).parents[1] for log in logs}]
