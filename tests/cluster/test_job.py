"""A job comes whole to the last process, whatever is in it."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path

import pytest

from bench.resources import EarlyStopping, Resources, Retries
from cluster.job import Job
from cluster.profile import Profile

FULL = Job(
    store=Path("/store"),
    launcher="ray",
    sweep="it's ü\n",
    resources=Resources(gpus=2, cpus=4, nodes=2, time="8h", max_parallel=3),
    retries=Retries(crashed=5, oom=1),
    early_stopping=EarlyStopping(metric="test_accuracy", reduction=2.5),
    profile=Profile(partition="gpu", setup=["module load cuda"], options={"exclude": "bad1", "exclusive": False}),
    tensorboard=True,
    outputs=False,
    address="10.0.0.1:6379",
    modules="/sweeps",
)


def test_a_job_is_read_as_it_was_written() -> None:
    assert all(getattr(FULL, field.name) != getattr(Job(store=Path("/other")), field.name) for field in fields(Job))
    written = json.dumps(FULL.as_dict())
    assert "/store" not in written
    assert Job.from_dict(json.loads(written), Path("/moved")) == replace(FULL, store=Path("/moved"))


@pytest.mark.parametrize("held", [None, [1], {"resources": {"cpus": "many"}}, {"profile": {"options": {"wrap": "x"}}}])
def test_what_is_no_job_is_refused(held: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        Job.from_dict(held, Path("/store"))
