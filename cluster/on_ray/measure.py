"""Measure on Ray: models measured side by side on this machine's processors and GPUs, or on those of a Ray cluster.

By tasks of Ray rather than by Tune, which is made for one number of each trial over time. A task is a trial.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.errors import MachineFault, UserError, first_line, machine_fault
from bench.measures.names import Measure
from bench.resources import Resources
from cluster.job import Job
from cluster.launcher import TRIES, LaunchError
from cluster.measuring import Taken
from cluster.on_ray.environment import prepare
from cluster.work.environment import CODE

_DIED = "the worker process died"


def measure(job: Job, tasks: Mapping[str, tuple[Measure, ...]]) -> Iterator[Taken]:
    """See `Measurer`; LaunchError if there is no place for any."""
    prepare(job.address)
    # Not before: ray reads its environment when it is imported.
    import ray

    from cluster.on_ray.connection import Connection
    from cluster.on_ray.place import find_place

    job = replace(job, resources=_of_one_process(job.resources))
    died = 0
    connection = Connection(job.address, job.resources.cpus)
    try:
        with connection.attended():
            place = find_place(job)
        cores, gpus = place.bundle.get("CPU", 0.0), place.bundle.get("GPU", 0.0)
        # Not tried again: what killed a worker once would most likely do so again.
        task = ray.remote(num_cpus=cores, num_gpus=gpus, max_retries=0)(measure_here)
        waiting = list(tasks)[::-1]
        running: dict[Any, str] = {}
        while waiting or running:
            with connection.attended():
                while waiting and len(running) < place.slots:
                    trial_id = waiting.pop()
                    running[task.remote(job, CODE, trial_id, tasks[trial_id])] = trial_id
                (ready,), _ = ray.wait(list(running), num_returns=1)
                trial_id = running.pop(ready)
                answer = _answer(ready, job, trial_id, tasks[trial_id])
            yield from answer
            died = died + 1 if all(each.message.startswith(_DIED) for each in answer) else 0
            if died == TRIES:
                raise LaunchError(f"measuring is given up: {answer[0].message}")
    finally:
        connection.close()


def _of_one_process(resources: Resources) -> Resources:
    gpus = resources.gpus if resources.gpus == "auto" else min(resources.gpus, 1)
    return replace(resources, nodes=1, processes=1, gpus=gpus)


def measure_here(job: Job, code: Path, trial_id: str, measures: Sequence[Measure]) -> list[Taken] | UserError:
    """What a worker takes of a trial; or why it can't, and most likely no other: raised here, Ray would rewrite it."""
    from cluster.on_ray.node import unfit

    if reason := unfit(job, trial_id, code):
        return LaunchError(reason)
    from cluster.work.measure_worker import measure_trial

    try:
        return list(measure_trial(job, trial_id, measures))
    except MachineFault as fault:
        return fault


def _answer(ready: Any, job: Job, trial_id: str, measures: Sequence[Measure]) -> list[Taken]:
    import ray
    from ray.exceptions import RayError

    try:
        taken: list[Taken] | UserError = ray.get(ready)
    except RayError as error:
        fault = machine_fault(error, job.store)
        if fault:
            raise MachineFault(fault) from error
        message = _reason(error)
        return [Taken(trial_id=trial_id, measure=each, outcome="failed", message=message) for each in measures]
    if isinstance(taken, UserError):
        raise taken
    return taken


def _reason(error: Exception) -> str:
    from ray.exceptions import RayTaskError

    if isinstance(error, RayTaskError):
        return str(error).strip().splitlines()[-1]
    return f"{_DIED}: {first_line(error)}"
