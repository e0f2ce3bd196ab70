"""Status and cancel of what is in SLURM's queue."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.on_slurm.queue_plan import plans
from tests.slurm.runs import LONG, Run, processes_of, wait_for
from tests.slurm.site.cluster import Cluster

MANY = LONG.replace("seed: [0]", "seed: 6").replace("time: 10m", "time: 10m, max_parallel: 1")


@pytest.mark.share(2, of="sweeps on SLURM")
def test_cancelled_from_the_login_node(slurm: Cluster, tmp_path: Path) -> None:
    run = Run(slurm, tmp_path, MANY)
    run.submit()
    run.wait_until_training()
    shown = run.sambench("status", run.file).stdout
    assert "6 trials: 1 running, 5 missing" in shown
    assert "SLURM: " in shown
    assert "pending" in shown
    cancelled = run.sambench("cancel", run.file)
    assert "1 running trial stops after the next step, 5 waiting won't start" in cancelled.stderr
    assert "removed from SLURM's queue" in cancelled.stderr
    wait_for(lambda: run.outcomes() == ["preempted"], 240, run.situation)
    wait_for(lambda: not run.own_jobs(), 240, run.situation)
    assert "6 cancelled" in run.sambench("status", run.file).stdout


@pytest.mark.share(2, of="sweeps on SLURM")
def test_a_job_that_accounting_forgot_is_called_lost(slurm: Cluster, tmp_path: Path) -> None:
    run = Run(slurm, tmp_path, MANY)
    run.submit()
    job = plans(run.store)[0].chunks[0].job
    slurm.run("scancel", job)
    wait_for(lambda: not run.own_jobs(), 240, run.situation)
    assert "lost" not in run.sambench("status", run.file).stdout, "accounting knows it"
    plan = plans(run.store)[0]
    plan.chunks[0].job = "999999"
    plan.save()
    assert "it knows nothing of jobs 999999: they are lost" in run.sambench("status", run.file).stdout


@pytest.mark.share(2, of="sweeps on SLURM")
def test_thousands_of_trials_leave_no_process_behind(slurm: Cluster, tmp_path: Path) -> None:
    text = MANY.replace("seed: 6", "seed: 400").replace("max_parallel: 1", "max_parallel: 1, trials_per_job: 2")
    run = Run(slurm, tmp_path, text)
    run.submit("--profile-file", run.profile(options={"hold": True}))
    assert processes_of(tmp_path / "store") == []
    assert "400 trials: 400 missing" in run.sambench("status", run.file).stdout
    run.sambench("cancel", run.file)
    wait_for(lambda: not run.own_jobs(), 240, run.situation)
