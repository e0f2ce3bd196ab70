"""How a sweep is cut into job arrays, and the batch script that SLURM gets."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.profile import Profile
from bench.resources import Resources, Retries
from bench.store import Store
from cluster.launcher import Job
from cluster.queue_plan import Plan, cut, plans, queued_trials
from cluster.slurm import SlurmLauncher


@given(st.integers(1, 400), st.integers(1, 60), st.none() | st.integers(1, 90))
def test_chunks_cover_every_share_once_and_keep_to_the_limits(shares: int, most: int, parallel: int | None) -> None:
    chunks = cut(shares, most, parallel)
    assert [number for chunk in chunks for number in range(chunk.first, chunk.first + chunk.count)] == [*range(shares)]
    assert all(1 <= chunk.count <= most for chunk in chunks)
    assert all(chunk.parallel >= 1 for chunk in chunks)
    if parallel is not None:
        # Chunks of a lane wait for each other, so that the widest of each lane may run at once.
        lanes = {chunk.lane: max(c.parallel for c in chunks if c.lane == chunk.lane) for chunk in chunks}
        assert sum(lanes.values()) <= parallel


def test_a_plan_is_kept_and_says_what_is_queued(store: Store) -> None:
    plan = Plan(
        path=store.root / "queued" / "sweep-1.json",
        sweep="sweep",
        trials=[f"{number:016x}" for number in range(7)],
        per_share=2,
        resources=Resources(cpus=2, time="1h"),
        retries=Retries(crashed=5),
        chunks=cut(4, 3, None),
    )
    plan.chunks[0].job = "12"
    plan.save()
    assert next(plans(store)) == plan
    assert queued_trials(store, {"12_1"}) == set(plan.trials[2:4])
    assert queued_trials(store, {"12_0", "12_2", "13_0"}) == {*plan.trials[:2], *plan.trials[4:6]}
    plan.chunks[1].job = "13"
    plan.save()
    assert queued_trials(store, {"13"}) == {plan.trials[6]}, "an array of one element has the number of the job alone"


GOLDEN = """#!/bin/bash

# Parameters
#SBATCH --account=lab
#SBATCH --array=0-1%2
#SBATCH --constraint=a100
#SBATCH --cpus-per-task=8
#SBATCH --exclude=bad1
#SBATCH --gpus-per-node=a100:2
#SBATCH --job-name=sambench-table1
#SBATCH --mem=64G
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=1
#SBATCH --open-mode=append
#SBATCH --output=STORE/queued/logs/%A_%a/%A_%a_0_log.out
#SBATCH --partition=gpu
#SBATCH --qos=long
#SBATCH --requeue
#SBATCH --signal=USR2@120
#SBATCH --time=480
#SBATCH --wckey=submitit

# setup
trap : USR2
"""
AFTER = """
module load cuda

# command
export SUBMITIT_EXECUTOR=slurm
srun --unbuffered --output STORE/queued/logs/%A_%a/%A_%a_%t_log.out --cpus-per-task=8 PYTHON -u WORKER


# teardown
status=$?
case "$status" in
  0|79) ;;
  75) scontrol requeue "$SLURM_JOB_ID" ;;
  *) [ "${SLURM_RESTART_COUNT:-0}" -lt 10 ] && scontrol requeue "$SLURM_JOB_ID" ;;
esac
exit "$status"
"""


def test_the_batch_script(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    profile = Profile(
        partition="gpu", account="lab", qos="long", constraint="a100", gpu_type="a100", memory=64, signal_seconds=120,
        setup=["module load cuda"], options={"exclude": "bad1"},
    )  # fmt: skip
    job = Job(
        store=store.root,
        trials={"0" * 16: 0, "1" * 16: 0},
        resources=Resources(gpus=2, cpus=4, time="8h"),
        sweep="table1",
        profile=profile,
    )
    text = SlurmLauncher().text(job).replace(str(store.root), "STORE")
    text = re.sub(r"\S+/python[\d.]*", "PYTHON", text) + "\n"
    text = text.replace("-m submitit.core._submit STORE/queued/logs/%j", "WORKER")
    assert text.startswith(GOLDEN)
    assert text.endswith(AFTER)
    between = text[len(GOLDEN) : -len(AFTER)]
    assert 'export OMP_NUM_THREADS="4"' in between
    assert 'export SAMBENCH_GPUS="2"' in between
    assert re.search(r'if ! \[ -e "STORE/queued/table1-\d+-\w+\.json" \]; then', between)


@pytest.mark.parametrize(
    ("resources", "known", "expected"),
    [
        (Resources(), None, 1),
        (Resources(trials_per_job=7), 600.0, 7),
        (Resources(), 60.0, 20),
        (Resources(time="10m"), 60.0, 5),
        (Resources(), 36_000.0, 1),
    ],
)
def test_short_trials_share_a_job(store: Store, resources: Resources, known: float | None, expected: int) -> None:
    job = Job(store=store.root, trials={}, resources=resources, seconds_per_trial=known)
    assert SlurmLauncher().plan(store, job, ["0" * 16], 10).per_share == expected


def test_no_slurm_on_this_machine(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from cluster.slurm_commands import SlurmError

    monkeypatch.setenv("PATH", str(Path("/nonexistent")))
    with pytest.raises(SlurmError, match="no sbatch on this machine: run on a login node"):
        SlurmLauncher().launch(Job(store=store.root, trials={"0" * 16: 0}, resources=Resources()))
