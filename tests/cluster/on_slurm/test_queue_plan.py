"""How a sweep is cut into job arrays, and what a plan knows of the queue."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.resources import Resources, Retries
from bench.store import Store
from cluster.job import Job, Todo
from cluster.launcher import LaunchError
from cluster.on_slurm.commands import Queued, SlurmError
from cluster.on_slurm.launcher import SlurmLauncher, check_own
from cluster.on_slurm.queue_plan import Plan, PlanError, cut, new_path, plans


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


@pytest.fixture
def plan(store: Store) -> Plan:
    job = Job(
        store=store.root,
        launcher="slurm",
        sweep="sweep",
        resources=Resources(cpus=2, time="1h"),
        retries=Retries(crashed=5),
    )
    return Plan(
        path=new_path(job),
        job=job,
        trials=[f"{number:016x}" for number in range(7)],
        per_share=2,
        chunks=cut(4, 3, None),
    )


def queue_of(**names: str) -> dict[str, Queued]:
    """Elements, as `j12_0="name"`."""
    return {element.removeprefix("j"): Queued("pending", "", name) for element, name in names.items()}


def queued(plan: Plan, queue: dict[str, Queued]) -> set[str]:
    return {trial_id for _, trials in plan.elements(queue) for trial_id in trials}


def test_a_plan_is_kept_and_says_what_is_queued(store: Store, plan: Plan) -> None:
    first, second = plan.chunks
    first.job = "12"
    plan.save()
    assert plans(store) == [plan]
    name = plan.name(first)
    assert queued(plan, queue_of(j12_1=name)) == set(plan.trials[2:4])
    assert queued(plan, queue_of(j12_0=name, j12_2=name, j13_0="sambench-other")) == {
        *plan.trials[:2],
        *plan.trials[4:6],
    }
    assert queued(plan, queue_of(j12_1="sambench-sweep")) == set(plan.trials[2:4]), "an earlier version's name"
    second.job = "13"
    for element in ("j13", "j13_0"):
        assert queued(plan, queue_of(**{element: plan.name(second)})) == {plan.trials[6]}


EARLIER = b"""{"sweep": "sweep", "trials": ["0000000000000000", "0000000000000001"], "per_share": 2, "resources":
{"gpus": 1, "trials_per_gpu": 1, "cpus": 2, "nodes": 1, "processes": null, "time": "1h", "memory": null,
"trials_per_job": "auto", "max_parallel": null}, "retries": {"crashed": 5, "lost": 10, "oom": 0, "error": 0}, "chunks":
[{"first": 0, "count": 1, "parallel": 1, "lane": 0, "job": "12"}], "tensorboard": true, "created": 1764000000.5}"""
"""As version 0.1.0 wrote it."""


def test_a_plan_of_an_earlier_version_has_a_job(store: Store, plan: Plan) -> None:
    plan.path.parent.mkdir()
    plan.path.write_bytes(EARLIER)
    resources = Resources(gpus=1, cpus=2, time="1h")
    assert Plan.load(plan.path).job == replace(plan.job, resources=resources, tensorboard=True)
    (found,) = plans(store)
    found.save()
    assert Plan.load(plan.path) == found


def test_a_plan_is_of_the_store_that_it_lies_in(plan: Plan, tmp_path: Path) -> None:
    plan.save()
    moved = plan.job.store.rename(tmp_path / "moved")
    assert Plan.load(moved / "queued" / plan.path.name).job == replace(plan.job, store=moved)


def test_a_job_of_another_cluster_with_the_same_number_is_none_of_the_plan(plan: Plan) -> None:
    plan.chunks[0].job = "12"
    assert not queued(plan, queue_of(j12_0="someone's", j12_1="sambench-other-1234.0"))


def test_an_array_that_was_queued_but_not_recorded_is_known_by_its_name(store: Store, plan: Plan) -> None:
    first, second = plan.chunks
    other = replace(plan, path=new_path(plan.job))
    assert not other.adopt(queue_of(j12_0=plan.name(first), j12_1=plan.name(first)))
    assert plan.adopt(queue_of(j12_0=plan.name(first), j12_1=plan.name(first)))
    assert (first.job, second.job) == ("12", "")
    assert not plan.adopt(queue_of(j12_0=plan.name(first))), "nothing new"


@pytest.mark.parametrize(
    "change",
    [
        {"trials": ["../../../elsewhere"]},
        {"chunks": [{"first": 0, "count": 1, "parallel": 1, "lane": 0, "job": "--user=someone"}]},
        {"chunks": [{"first": 0, "count": 10**12, "parallel": 1, "lane": 0}]},
        {"per_share": 0},
        {"job": {"resources": {"cpus": "many"}}},
        {"job": {"profile": {"setup": 1}}},
        {"job": None},
        {"trials": None},
    ],
)
def test_a_plan_that_nobody_can_have_written_is_told_and_left_out(
    store: Store, plan: Plan, change: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    plan.save()
    good = replace(plan, path=new_path(replace(plan.job, sweep="good")))
    good.save()
    plan.path.write_text(json.dumps(json.loads(plan.path.read_text(encoding="utf-8")) | change), encoding="utf-8")
    assert plans(store) == [good]
    assert plans(store) == [good]
    assert capsys.readouterr().err.count(f"{plan.path}: no plan of queued jobs") == 1


@pytest.mark.parametrize("content", [b"", b"[1]", b"\xff", b'{"path": 1}', b"[" * 100_000])
def test_a_damaged_plan_has_one_line(store: Store, plan: Plan, content: bytes) -> None:
    plan.save()
    plan.path.write_bytes(content)
    with pytest.raises(PlanError, match="no plan of queued jobs"):
        Plan.load(plan.path)


@pytest.mark.parametrize("sweep", ["a b", "x\n#SBATCH --uid=0", "ümlaut$HOME", "%j", "'"])
def test_names_are_plain_whatever_the_sweep_is_called(store: Store, plan: Plan, sweep: str) -> None:
    job = replace(plan.job, sweep=sweep)
    odd = replace(plan, path=new_path(job), job=job)
    assert re.fullmatch(r"sambench-[\w.+-]+-[0-9a-f]{8}\.0", odd.name(odd.chunks[0]), flags=re.ASCII)
    odd.save()
    assert plans(store) == [odd]


def test_a_folder_that_others_can_use_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o700)
    check_own(folder)
    (tmp_path / "link").symlink_to(folder)
    with pytest.raises(LaunchError, match="not a folder that only you can use"):
        check_own(tmp_path / "link")
    folder.chmod(0o770)
    with pytest.raises(LaunchError, match="not a folder that only you can use"):
        check_own(folder)


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
    job, todo = Job(store=store.root, resources=resources), Todo(trials={"0" * 16: 0}, seconds_per_trial=known)
    assert SlurmLauncher().plan(job, todo, 10).per_share == expected


def test_no_slurm_on_this_machine(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(Path("/nonexistent")))
    with pytest.raises(SlurmError, match="no sbatch on this machine: run on a login node"):
        SlurmLauncher().launch(Job(store=store.root), Todo(trials={"0" * 16: 0}))
