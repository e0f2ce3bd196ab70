"""ray: trials on this machine's processors and GPUs, or on those of a Ray cluster, scheduled by Ray Tune.

One Tune trial is one trial; Tune's actors are reused, because starting a process and importing torch costs more
than many trials do. Results are written by the worker itself, so Tune's own records are thrown away.
"""

from __future__ import annotations

import logging
import re
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from ray import tune
from ray.tune.experiment import Trial as TuneTrial

from bench.errors import MachineFault, UserError, machine_fault
from bench.store import Store
from bench.store.claims.claim import last_number
from cluster.job import Job, Todo
from cluster.launcher import TRIES, LaunchError
from cluster.on_ray.connection import Connection
from cluster.on_ray.place import Place, find_place
from cluster.on_ray.prune import make_scheduler
from cluster.on_ray.worker import TrialActor
from cluster.progress import Progress
from cluster.report import TrialReport
from cluster.work.environment import CODE
from cluster.work.stopping import ask_to_stop, wait_for_end

_PATIENCE = 30.0
"""Seconds that the workers of an interrupted run have to record their trials."""


class _Forward(tune.Callback):
    """Tells our progress what Tune reports."""

    def __init__(self, progress: Progress, store: Store) -> None:
        self._progress, self._store = progress, store
        self.running: set[str] = set()
        """Trials that workers have."""
        self.stopped: UserError | None = None
        """Why no trial can go on."""
        self._in_vain = 0

    def __getstate__(self) -> dict[str, Any]:
        # Tune pickles its callbacks to restore an experiment, which we never do; a terminal can't be pickled.
        return {}

    def on_trial_start(self, iteration: int, trials: list[TuneTrial], trial: TuneTrial, **info: Any) -> None:
        self.running.add(_id(trial))
        self._progress.started(_id(trial))

    def on_trial_result(
        self, iteration: int, trials: list[TuneTrial], trial: TuneTrial, result: dict[str, Any], **info: Any
    ) -> None:
        if result.get("unseen"):
            self._stop(LaunchError(result["unseen"]))
        if result.get("fault"):
            self._stop(MachineFault(result["fault"]))
        if result.get("report"):
            self._finished(TrialReport(**result["report"]))

    def on_trial_error(self, iteration: int, trials: list[TuneTrial], trial: TuneTrial, **info: Any) -> None:
        reason = f"the worker process died: {_last_words(trial)}"
        self._finished(TrialReport(trial_id=_id(trial), outcome="crashed", message=reason))
        claimed = last_number(self._store.folder(_id(trial))) > trial.config["task"][1]
        self._in_vain = 0 if claimed else self._in_vain + 1
        if self._in_vain == TRIES:
            # Not raised here, amid Tune's care for the dead worker, which it would then wait for.
            self.stopped = LaunchError(f"trials could not be started: {reason}")

    def on_step_begin(self, iteration: int, trials: list[TuneTrial], **info: Any) -> None:
        if self.stopped is not None:
            raise self.stopped

    def _stop(self, reason: UserError) -> NoReturn:
        self.stopped = reason
        raise reason

    def _finished(self, report: TrialReport) -> None:
        if report.outcome != "crashed":
            self._in_vain = 0
        self.running.discard(report.trial_id)
        self._progress.finished(report)


def run_trials(connection: Connection, job: Job, todo: Todo, progress: Progress) -> None:
    """Run every trial of `todo` once; LaunchError if it can't be placed, or its workers can't start on it."""
    # Errors reach the user as ours, with the trial they belong to.
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)
    place = find_place(job)
    if job.early_stopping and place.nodes * place.processes > 1:
        raise LaunchError("early_stopping is for trials of one process; set resources: {processes: 1, nodes: 1}")
    store = Store.open(job.store)
    forward = _Forward(progress, store)
    try:
        _tuner(connection, job, todo, place, forward).fit()
    except KeyboardInterrupt:
        if connection.shared:
            _stop_workers(store, forward.running)
        raise
    except Exception as error:
        stopped = forward.stopped or (MachineFault(fault) if (fault := machine_fault(error)) else None)
        if stopped is None:
            raise
        if connection.shared:
            with suppress(OSError):
                _stop_workers(store, forward.running)
        raise stopped from error


def _tuner(connection: Connection, job: Job, todo: Todo, place: Place, forward: _Forward) -> tune.Tuner:
    everywhere = {"job": job, "code": CODE, "processes": place.processes}
    return tune.Tuner(
        tune.with_resources(TrialActor, place.resources()),
        param_space={"task": tune.grid_search(list(todo.trials.items())), **everywhere},
        tune_config=tune.TuneConfig(
            reuse_actors=True, max_concurrent_trials=place.slots, scheduler=make_scheduler(job, todo)
        ),
        run_config=tune.RunConfig(
            name="trials",
            storage_path=str(connection.folder / "tune"),
            callbacks=[forward],
            # The worker keeps its own checkpoints.
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            verbose=0,
            progress_reporter=_Silent(),
        ),
    )


class _Silent(tune.ProgressReporter):
    """Prints nothing: progress is ours."""

    def should_report(self, trials: list[TuneTrial], done: bool = False) -> bool:
        return False

    def report(self, trials: list[TuneTrial], done: bool, *sys_info: str) -> None:
        return None


def _stop_workers(store: Store, trial_ids: set[str]) -> None:
    """Let workers record their trials as preempted: for those of other nodes, nobody else could soon."""
    folders = [store.folder(trial_id) for trial_id in trial_ids]
    for folder in folders:
        ask_to_stop(folder, "preempted", "stopped with its driver")
    deadline = time.monotonic() + _PATIENCE
    for folder in folders:
        wait_for_end(folder, deadline)


def _last_words(trial: TuneTrial) -> str:
    """What Ray says of a failed trial: the exception, or how the process ended."""
    try:
        lines = Path(trial.error_file or "").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return "without a word"
    # The first says when.
    said = [line.strip() for line in lines[1:] if line.strip()] or ["without a word"]
    return said[-1] if re.match(r"[\w.]+: ", said[-1]) and "Traceback" in "".join(lines) else said[0]


def _id(trial: TuneTrial) -> str:
    trial_id: str = trial.config["task"][0]
    return trial_id
