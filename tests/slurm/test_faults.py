"""What happens to jobs: each ends with the trial done exactly once, with the weights of an undisturbed run."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from cluster.on_slurm.queue_plan import plans
from tests.slurm.runs import LONG, Run, wait_for
from tests.slurm.site.cluster import Cluster

pytestmark = pytest.mark.share(1, of="what happens to jobs of SLURM")


def test_requeued_in_mid_training(slurm: Cluster, tmp_path: Path) -> None:
    run = Run(slurm, tmp_path)
    run.submit()
    run.wait_until_training()
    slurm.run("scontrol", "requeue", _mine(run))
    run.wait_until_done()
    assert run.outcomes() == ["preempted", "done"]
    assert "resuming after epoch" in run.sambench("logs", run.sweep.trials[0].trial_id).stdout
    run.assert_as_undisturbed()


def test_preempted_by_a_partition_of_higher_priority(slurm_alone: Cluster, tmp_path: Path) -> None:
    run = Run(slurm_alone, tmp_path)
    run.submit()
    run.wait_until_training()
    slurm_alone.run(
        "sbatch", "--partition=high", "--nodes=2", "--exclusive", "--wrap=sleep 1", f"--output={tmp_path}/o"
    )
    run.wait_until_done()
    assert run.outcomes() == ["preempted", "done"]
    run.assert_as_undisturbed()


def test_time_that_is_too_short(slurm: Cluster, tmp_path: Path) -> None:
    run = Run(slurm, tmp_path, LONG.replace("time: 10m", "time: 1m").replace("pause: 0.4", "pause: 2"))
    run.submit("--profile-file", run.profile(signal_seconds=45))
    wait_for(run.outcomes, 240, run.situation)
    # Enough for the rest: how often a short time runs out before depends on the machine.
    slurm.run("scontrol", "update", f"JobId={_mine(run)}", "TimeLimit=10")
    run.wait_until_done()
    outcomes = run.outcomes()
    assert outcomes[-1] == "done"
    assert outcomes.count("timeout") >= 1
    assert set(outcomes) <= {"timeout", "done"}
    run.assert_as_undisturbed()


def test_cancelled_by_slurm_and_queued_again(slurm: Cluster, tmp_path: Path) -> None:
    run = Run(slurm, tmp_path)
    run.submit()
    run.wait_until_training()
    slurm.run("scancel", _mine(run))
    wait_for(lambda: run.outcomes() == ["preempted"] and not run.own_jobs(), 240, run.situation)
    run.submit()
    run.wait_until_done()
    run.assert_as_undisturbed()


def test_a_worker_is_killed(slurm: Cluster, tmp_path: Path) -> None:
    run = Run(slurm, tmp_path)
    run.submit()
    os.kill(run.wait_until_training(), signal.SIGKILL)
    run.wait_until_done()
    assert run.outcomes() == ["crashed", "done"]
    run.assert_as_undisturbed()


def test_the_daemon_of_a_node_is_killed(slurm_alone: Cluster, tmp_path: Path) -> None:
    run = Run(slurm_alone, tmp_path)
    run.submit()
    run.wait_until_training()
    node = slurm_alone.run("squeue", "--noheader", "--states=RUNNING", "--format=%N").stdout.strip()
    slurm_alone.kill_daemon("slurmd", node=node)
    run.wait_until_done()
    run.assert_as_undisturbed()


def test_the_controller_is_killed_and_comes_back(slurm_alone: Cluster, tmp_path: Path) -> None:
    run = Run(slurm_alone, tmp_path)
    run.submit()
    run.wait_until_training()
    slurm_alone.wait_until_saved(_mine(run))
    slurm_alone.kill_daemon("slurmctld")
    slurm_alone.start_daemon("slurmctld")
    run.wait_until_done()
    assert run.outcomes() == ["done"]
    run.assert_as_undisturbed()


def _mine(run: Run) -> str:
    """The array of this test's sweep."""
    return plans(run.store)[-1].chunks[0].job
