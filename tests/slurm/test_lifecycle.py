"""The command: up, status and down, beside another cluster, and after a crash."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.shared.timing import patience
from tests.slurm.conftest import require_slurm
from tests.slurm.site.cluster import Cluster
from tests.slurm.site.configuration import write_files
from tests.slurm.site.daemons import Daemon
from tests.slurm.site.processes import Process, eventually, with_environment, with_open_file

STUBBORN = "trap '' TERM; touch {folder}/ran; sleep 300; sleep 300"


def command(action: str, state: Path, *options: str) -> str:
    arguments = [sys.executable, "-m", "tests.slurm.site.cluster", action, "--state", str(state), *options]
    return subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, timeout=patience(), check=True).stdout


def processes_of(state: Path) -> list[Process]:
    """All daemons and jobs."""
    return [*with_environment(f"SLURM_CONF={state}/slurm.conf"), *with_open_file(state, name="")]


@pytest.mark.share(0)
def test_from_up_to_down(slurm: Cluster, shared_folder: Path, tmp_path: Path) -> None:
    # Sockets need a short path.
    state = shared_folder / "other"
    cluster = Cluster(state, nodes=1)
    try:
        assert f"export SLURM_CONF={state}/slurm.conf" in command("up", state, "--nodes", "1")
        assert "slurmd-n1   runs" in command("status", state)
        cluster.run("sbatch", "--output=/dev/null", f"--wrap={STUBBORN.format(folder=tmp_path)}")
        assert eventually((tmp_path / "ran").exists, 20)
        cluster.kill_daemon("slurmctld")
        assert "slurmctld   has ended" in command("status", state)
        assert "the cluster is up\n" in command("up", state, "--nodes", "1")
        assert not cluster.run("squeue", "--noheader").stdout, "the job of the cluster before is gone"
        assert "the cluster is down" in command("down", state)
    finally:
        cluster.down()
    assert not processes_of(state)
    assert not state.exists()
    assert "there is no cluster" in command("down", state)
    assert slurm.running


@pytest.mark.parametrize(("required", "outcome"), [("", pytest.skip.Exception), ("1", pytest.fail.Exception)])
def test_without_slurm(monkeypatch: pytest.MonkeyPatch, required: str, outcome: type[BaseException]) -> None:
    monkeypatch.setattr("tests.slurm.site.daemons.PROGRAMS", ("sh", "slurmxyz"))
    monkeypatch.setenv("SAMBENCH_REQUIRE_SLURM", required)
    with pytest.raises(outcome, match="SLURM is not installed: no slurmxyz"):
        require_slurm()


def test_other_folders_are_spared(shared_folder: Path) -> None:
    folder = shared_folder / "mine"
    folder.mkdir()
    (folder / "file").touch()
    cluster = Cluster(folder)
    assert not cluster.down()
    with pytest.raises(FileExistsError, match="not a cluster's"):
        write_files(cluster.layout, cluster.wanted)
    assert (folder / "file").exists()


def test_a_path_too_long_for_sockets_is_refused(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path / ("x" * 80))
    with pytest.raises(ValueError, match="too long"):
        write_files(cluster.layout, cluster.wanted)
    assert not cluster.layout.state.exists()


def test_a_reused_pid_is_spared() -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        process = Process.find(other.pid)
        assert process
        assert process.alive
        Process(process.pid, process.started - 1).stop()
        assert other.poll() is None
        process.kill(signal.SIGTERM)
    assert not process.alive


def test_what_a_daemon_said_is_in_the_error(tmp_path: Path) -> None:
    layout = Cluster(tmp_path / "state").layout
    layout.logs.mkdir(parents=True)
    layout.pid("sh").parent.mkdir()
    daemon = Daemon(layout=layout, name="sh", command=["sh", "-c", "echo out of luck >&2; exit 1"], ready=lambda: False)
    with pytest.raises(RuntimeError, match="sh ended: out of luck"):
        daemon.start()
