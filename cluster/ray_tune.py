"""ray: trials on this machine's processors and GPUs, scheduled by Ray Tune.

One Tune trial is one trial; Tune's actors are reused, because starting a process and importing torch costs more
than many trials do. Results are written by the worker itself, so Tune's own records are thrown away.
"""

from __future__ import annotations

import logging
import math
import os
import shutil
import signal
import tempfile
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

# Read when ray is imported. No result files per trial, an interrupt raised at once instead of after the running
# trials, no change of the working directory, no tables.
os.environ.update(
    TUNE_DISABLE_AUTO_CALLBACK_LOGGERS="1",
    TUNE_DISABLE_SIGINT_HANDLER="1",
    RAY_CHDIR_TO_TRIAL_DIR="0",
    RAY_USAGE_STATS_ENABLED="0",
    RAY_AIR_NEW_OUTPUT="0",
)

import ray
from ray import tune
from ray.tune.experiment import Trial as TuneTrial

from bench.store import Store
from cluster.environment import worker_environment
from cluster.launcher import Job, LaunchError
from cluster.progress import Progress, Report

_PREFIX = "sambench-"
_OBJECT_STORE_BYTES = 100 * 2**20


class TrialActor(tune.Trainable):
    """A worker process that Tune hands one trial after another."""

    def setup(self, config: dict[str, Any]) -> None:
        self._task = config["task"]

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self._task = new_config["task"]
        return True

    def step(self) -> dict[str, Any]:
        from cluster.torchrun import Ranks
        from cluster.worker import Manner, run_trial

        store, trial_id, seen, threads, processes, tensorboard = self._task
        manner = Manner(
            launcher="ray",
            threads=threads,
            ranks=Ranks(per_node=processes, threads=threads),
            tensorboard=tensorboard,
        )
        report = run_trial(Store.open(store), trial_id, manner, seen=seen)
        return {"report": asdict(report), "done": True}


class _Forward(tune.Callback):
    """Tells our progress what Tune reports."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def __getstate__(self) -> dict[str, Any]:
        # Tune pickles its callbacks to restore an experiment, which we never do; a terminal can't be pickled.
        return {}

    def on_trial_start(self, iteration: int, trials: list[TuneTrial], trial: TuneTrial, **info: Any) -> None:
        self._progress.started(trial.config["task"][1])

    def on_trial_result(
        self, iteration: int, trials: list[TuneTrial], trial: TuneTrial, result: dict[str, Any], **info: Any
    ) -> None:
        self._progress.finished(Report(**result["report"]))

    def on_trial_error(self, iteration: int, trials: list[TuneTrial], trial: TuneTrial, **info: Any) -> None:
        message = "the worker process died"
        self._progress.finished(Report(trial_id=trial.config["task"][1], outcome="crashed", message=message))


class RayLauncher:
    """Starts a Ray instance for this run alone and stops it at the end."""

    def __init__(self) -> None:
        self._folder: Path | None = None

    def __enter__(self) -> Self:
        return self

    def launch(self, job: Job, progress: Progress | None) -> None:
        """Run every trial of `job` once; LaunchError if it asks for GPUs that aren't there."""
        assert progress is not None, "trials run while the driver waits"
        # Errors reach the user as ours, with the trial they belong to.
        logging.getLogger("ray.tune").setLevel(logging.CRITICAL)
        folder = self._start(job.resources.cpus)
        per_trial = _bundle(job)
        processes = job.resources.processes_per_node(math.ceil(per_trial["GPU"]))
        shared = (job.resources.cpus, processes, job.tensorboard)
        tasks = [(str(job.store), trial_id, seen, *shared) for trial_id, seen in job.trials.items()]
        tuner = tune.Tuner(
            tune.with_resources(TrialActor, per_trial),
            param_space={"task": tune.grid_search(tasks)},
            tune_config=tune.TuneConfig(reuse_actors=True, max_concurrent_trials=_slots(per_trial)),
            run_config=tune.RunConfig(
                name="trials",
                storage_path=str(folder / "tune"),
                callbacks=[_Forward(progress)],
                # The worker keeps its own checkpoints.
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
                verbose=0,
                progress_reporter=_Silent(),
            ),
        )
        tuner.fit()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._folder is not None:
            ray.shutdown()
            shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self, threads: int) -> Path:
        if self._folder is None:
            # Ray's sockets lie under it, and their paths may have 107 characters.
            _remove_leftovers()
            self._folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir="/tmp"))
            on_terminate = signal.getsignal(signal.SIGTERM)
            ray.init(
                num_cpus=len(os.sched_getaffinity(0)),
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.ERROR,
                object_store_memory=_OBJECT_STORE_BYTES,
                runtime_env={"env_vars": worker_environment(threads)},
                _temp_dir=str(self._folder),
            )
            # Ray takes SIGTERM for itself, and would leave our records open.
            signal.signal(signal.SIGTERM, on_terminate)
        return self._folder


class _Silent(tune.ProgressReporter):
    """Prints nothing: progress is ours."""

    def should_report(self, trials: list[TuneTrial], done: bool = False) -> bool:
        return False

    def report(self, trials: list[TuneTrial], done: bool, *sys_info: str) -> None:
        return None


def _bundle(job: Job) -> dict[str, float]:
    """One bundle per trial: with several, a trial would get the GPUs of the first alone."""
    resources, there = job.resources, _there()
    gpus = there.get("GPU", 0.0)
    wanted = min(gpus, 1.0) if resources.gpus == "auto" else float(resources.gpus)
    if wanted > gpus:
        raise LaunchError(f"{wanted:g} GPUs asked for and {gpus:g} there; set resources: {{gpus: auto}} or 0")
    cpus = float(resources.cpus * resources.processes_per_node(math.ceil(wanted)))
    if cpus > there["CPU"]:
        raise LaunchError(f"{cpus:g} CPUs asked for per trial and {there['CPU']:g} there")
    return {"CPU": cpus, "GPU": wanted / resources.trials_per_gpu}


def _there() -> dict[str, float]:
    """Kind of resource → how much of it Ray has."""
    return dict(ray.cluster_resources())


def _slots(per_trial: dict[str, float]) -> int:
    """How many trials fit side by side."""
    there = _there()
    return min(int(there.get(kind, 0.0) / amount) for kind, amount in per_trial.items() if amount)


def _remove_leftovers() -> None:
    """Remove the temporary folders of drivers that were killed."""
    for folder in Path("/tmp").glob(f"{_PREFIX}*-*"):
        if not Path("/proc", folder.name.split("-")[1]).exists():
            shutil.rmtree(folder, ignore_errors=True)
