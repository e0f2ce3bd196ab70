"""The cluster itself: what tests of the launcher rely on, in SLURM's own words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.slurm.conftest import QUICK
from tests.slurm.site.cluster import Cluster
from tests.slurm.site.configuration import QOS, QOS_SUBMIT_LIMIT
from tests.slurm.site.processes import eventually

pytestmark = pytest.mark.share(0)
"""Only where all tests run: nothing of ours is tested here, but what the other tests stand on."""

LOW = """#!/bin/sh
trap 'echo "signal" >> {output}' USR1
echo "start $SLURM_RESTART_COUNT" >> {output}
for second in $(seq 60); do sleep 1; done
"""


def submit(cluster: Cluster, *options: str) -> str:
    """Submit a job without output; the id."""
    return cluster.run("sbatch", "--parsable", "--output=/dev/null", *options).stdout.strip()


def queue_state(cluster: Cluster, job: str) -> str:
    return cluster.run("squeue", "--noheader", f"--job={job}", "--format=%T").stdout.strip()


def accounted(cluster: Cluster, job: str) -> list[str]:
    """The states of all runs of a job, oldest first."""
    options = ["--noheader", "--allocations", "--duplicates", "--parsable2", "--format=State"]
    return cluster.run("sacct", f"--jobs={job}", *options).stdout.split()


def wait(condition: Callable[[], object], patience: float = 30) -> None:
    assert eventually(condition, patience, pause=0.2)


def test_both_nodes_run_steps(slurm: Cluster) -> None:
    answer = slurm.run("srun", "--nodes=2", "printenv", "SLURMD_NODENAME", "SLURM_JOB_ACCOUNT")
    assert sorted(answer.stdout.split()) == ["lab", "lab", "n1", "n2"]


def test_a_job_is_accounted(slurm: Cluster, tmp_path: Path) -> None:
    job = submit(slurm, f"--wrap=touch {tmp_path}/ran")
    wait(lambda: accounted(slurm, job) == ["COMPLETED"])
    assert (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--partition=none"], "Invalid partition name specified"),
        (["--account=none"], "Invalid account or account/partition combination specified"),
        (["--qos=none"], "Invalid qos specification"),
        (["--array=0-1001"], "Invalid job array specification"),
        ([f"--qos={QOS}", f"--array=0-{QOS_SUBMIT_LIMIT}"], "QOSMaxSubmitJobPerUserLimit"),
    ],
)
def test_refusals(slurm: Cluster, options: list[str], words: str) -> None:
    answer = slurm.run("sbatch", *options, "--wrap=true", check=False)
    assert answer.returncode
    assert words in answer.stderr


def test_a_second_up_changes_nothing(slurm: Cluster) -> None:
    before = {name: daemon.process for name, daemon in slurm.daemons.items()}
    assert not Cluster(slurm.layout.state, **QUICK).up()
    assert {name: daemon.process for name, daemon in slurm.daemons.items()} == before
    with pytest.raises(ValueError, match=r"'nodes': 2, .* not .*'nodes': 3"):
        Cluster(slurm.layout.state, nodes=3).up()


def test_high_preempts_main(slurm_alone: Cluster, tmp_path: Path) -> None:
    output, script = tmp_path / "output", tmp_path / "low.sh"
    script.write_text(LOW.format(output=output), encoding="utf-8")
    low = submit(slurm_alone, "--nodes=2", "--exclusive", "--signal=B:USR1@5", str(script))
    wait(output.exists)
    submit(slurm_alone, "--partition=high", "--nodes=2", "--exclusive", "--wrap=sleep 1")
    wait(lambda: queue_state(slurm_alone, low) == "PENDING")
    slurm_alone.release(low)
    wait(lambda: output.read_text(encoding="utf-8").split() == ["start", "signal", "start", "1"])
    assert accounted(slurm_alone, low)[0] == "PREEMPTED"


def test_a_dead_slurmd_is_noticed_and_its_job_requeued(slurm_alone: Cluster) -> None:
    job = submit(slurm_alone, "--nodelist=n2", "--wrap=sleep 300")
    wait(lambda: queue_state(slurm_alone, job) == "RUNNING")
    slurm_alone.kill_daemon("slurmd", node="n2")
    wait(lambda: slurm_alone.sinfo()["n2"].startswith("down"), 60)
    assert queue_state(slurm_alone, job) == "PENDING"
    slurm_alone.start_daemon("slurmd", node="n2")
    assert slurm_alone.sinfo()["n2"] == "idle"


def test_slurmctld_comes_back_with_its_jobs(slurm_alone: Cluster, tmp_path: Path) -> None:
    output, script = tmp_path / "output", tmp_path / "job.sh"
    script.write_text(f"#!/bin/sh\nwhile [ ! -e {tmp_path}/go ]; do sleep 0.2; done\ntouch {output}", encoding="utf-8")
    running = submit(slurm_alone, str(script))
    waiting = submit(slurm_alone, "--hold", "--wrap=true")
    wait(lambda: queue_state(slurm_alone, running) == "RUNNING")
    slurm_alone.wait_until_saved(running)
    slurm_alone.kill_daemon("slurmctld")
    slurm_alone.start_daemon("slurmctld")
    assert [queue_state(slurm_alone, job) for job in (running, waiting)] == ["RUNNING", "PENDING"]
    (tmp_path / "go").touch()
    wait(lambda: accounted(slurm_alone, running) == ["COMPLETED"])
    assert output.exists()
