"""What sites, shells and folders bring along that is not ours."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from cluster.on_slurm.queue_plan import plans
from tests.slurm.runs import SHORT, Run, wait_for
from tests.slurm.site.cluster import Cluster
from tests.slurm.site.daemons import PATH

ODD = 'it\'s $HOME `id` "%j" %A\\x ü#'
"""A folder's name in which every character has a meaning for somebody."""
SHELL = {
    "SQUEUE_FORMAT": "%i", "SQUEUE_STATES": "COMPLETED", "SACCT_FORMAT": "User", "SBATCH_ARRAY_INX": "0-9",
    "SBATCH_PARTITION": "none", "SBATCH_EXPORT": "NONE", "SLURM_MEM_PER_CPU": "999999", "SLURM_CPUS_PER_TASK": "7",
    "SLURM_NTASKS": "5", "SLURM_JOB_ID": "1",
}  # fmt: skip
WRAPPER = """#!/bin/sh
echo Welcome to job 2024
{real} "$@"
code=$?
echo please cite us
exit $code
"""


@pytest.mark.share(2, of="sweeps on SLURM")
def test_odd_folders_a_site_that_talks_and_a_shell_with_defaults(
    slurm: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SHELL.items():
        monkeypatch.setenv(name, value)
    site = tmp_path / "site"
    site.mkdir()
    for command in ("sbatch", "squeue", "sacct", "scontrol"):
        (site / command).write_text(WRAPPER.format(real=shutil.which(command, path=PATH)), encoding="utf-8")
        (site / command).chmod(0o755)
    monkeypatch.setenv("PATH", f"{site}:{os.environ['PATH']}")
    folder = tmp_path / ODD
    # What a module of the site may put on the path, and what may lie where the user works.
    for place in (folder, site):
        for package in ("bench", "cluster"):
            (place / package).mkdir(parents=True)
            (place / package / "__init__.py").write_text("raise SystemExit('not ours')", encoding="utf-8")
    run = Run(slurm, folder, SHORT.replace("time: 10m", "time: 10m, processes: 2").replace("256", "256, m: 128"))
    setup = [f'export PYTHONPATH="{site}:$PYTHONPATH"', "set -eu"]
    run.submit("--profile-file", run.profile(setup=setup, options={"export": "NONE"}))
    run.wait_until_done()
    assert plans(run.store)[0].chunks[0].job in {name.partition("_")[0] for name in _logs(run)}


@pytest.mark.share(2, of="sweeps on SLURM")
def test_an_array_that_was_queued_but_not_recorded_is_found_again(slurm: Cluster, tmp_path: Path) -> None:
    run = Run(slurm, tmp_path, SHORT.replace("seed: [0]", "seed: 3"))
    profile = run.profile(options={"hold": True})
    run.submit("--profile-file", profile)
    (plan,) = plans(run.store)
    array = plan.chunks[0].job
    # As after a SIGKILL between SLURM's answer and our record.
    written = json.loads(plan.path.read_text(encoding="utf-8"))
    written["chunks"][0]["job"] = ""
    plan.path.write_text(json.dumps(written), encoding="utf-8")
    assert "SLURM: 3 jobs pending" in run.sambench("status", run.file).stdout
    again = run.sambench("run", run.file, "--on", "slurm", "--profile-file", profile)
    assert again.returncode == 0, again.stderr
    assert "3 trials are in the queue already" in again.stderr
    assert [plan.chunks[0].job for plan in plans(run.store)] == [array]
    slurm.run("scontrol", "release", array)
    run.wait_until_done()


@pytest.mark.share(2, of="sweeps on SLURM")
def test_workers_that_never_begin_a_trial_are_given_up_with_their_reason(slurm: Cluster, tmp_path: Path) -> None:
    run = Run(slurm, tmp_path, SHORT)
    run.submit("--profile-file", run.profile(setup=["export PYTHONHOME=/nonexistent"]))
    wait_for(lambda: not run.own_jobs(), 240, run.situation)
    (log,) = _logs(run).values()
    assert log.count("Fatal Python error") == 3
    assert "sambench: given up: 3 workers in a row ended before they began a trial" in log
    wait_for(lambda: "failed, exit 1:0: " in run.sambench("status", run.file).stdout, 60, run.situation)
    assert run.outcomes() == []


def _logs(run: Run) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in (run.folder / "store/queued").glob("*/*.log")}
