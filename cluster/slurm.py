"""slurm: job arrays on a SLURM cluster, submitted through submitit. Nothing stays alive on the login node.

An array element is a worker (`slurm_worker`); how a job goes on after preemption or a time limit is up to its
batch script, which queues it again when the worker asks for it or is killed.
"""

from __future__ import annotations

import math
import sys
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import submitit
from submitit.core.utils import FailedJobError

from bench.resources import minutes
from bench.store import Store
from cluster import slurm_commands
from cluster.environment import worker_environment
from cluster.launcher import Job, LaunchError
from cluster.progress import Progress
from cluster.queue_plan import Chunk, Plan, cut, new_path, queued_trials
from cluster.slurm_entry import GO_ON, NO_GPU, work

DEFAULT_TIME = "1h"
"""Of a job, where neither sweep nor profile say."""
_PACK_MINUTES = 20.0
"""Work that a job is queued for, if trials are shorter: starting a worker takes half a minute of it."""
_RESTARTS = 10
"""How often a job whose worker died is queued again."""
_UNSEEN = 78
"""Exit code of a job whose node doesn't see the store."""


class SlurmLauncher:
    """Queues trials and returns."""

    def __enter__(self) -> Self:
        return self

    def launch(self, job: Job, progress: Progress | None = None) -> None:
        """Queue what isn't queued yet; LaunchError in SLURM's own words if it refuses, with how many went in."""
        slurm_commands.require()
        store = Store.open(job.store)
        waiting = queued_trials(store, set(slurm_commands.queue()))
        trials = [trial_id for trial_id in job.trials if trial_id not in waiting]
        if waiting:
            _say(f"{len(set(job.trials) & waiting)} trials are in the queue already")
        if not trials:
            return
        plan = self.plan(store, job, trials, slurm_commands.max_array_size(job.profile.max_array_size))
        plan.save()
        self._submit(plan, job)

    def text(self, job: Job) -> str:
        """The batch script of the first array, as it would be submitted."""
        plan = self.plan(Store(job.store), job, list(job.trials), job.profile.max_array_size or 1000)
        executor = _executor(plan, job, plan.chunks[0], after="")
        executor.parameters["map_count"] = plan.chunks[0].count
        return executor._make_submission_file_text(executor._submitit_command_str, "dry-run")

    def plan(self, store: Store, job: Job, trials: list[str], most_elements: int) -> Plan:
        """Cut the trials into shares and arrays."""
        per_share = _trials_per_job(job)
        shares = math.ceil(len(trials) / per_share)
        return Plan(
            path=new_path(store, job.sweep),
            sweep=job.sweep,
            trials=trials,
            per_share=per_share,
            resources=job.resources,
            retries=job.retries,
            chunks=cut(shares, most_elements, job.resources.max_parallel),
            tensorboard=job.tensorboard,
        )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        return None

    def _submit(self, plan: Plan, job: Job) -> None:
        newest: dict[int, str] = {}
        done = 0
        try:
            for chunk in plan.chunks:
                executor = _executor(plan, job, chunk, after=newest.get(chunk.lane, ""))
                numbers = range(chunk.first, chunk.first + chunk.count)
                # submitit prints what SLURM says, which the user hears from us.
                with redirect_stderr(StringIO()):
                    queued = executor.map_array(work, [str(plan.path)] * chunk.count, numbers)
                chunk.job = newest[chunk.lane] = queued[0].job_id.partition("_")[0]
                plan.save()
                done += sum(len(plan.share(number)) for number in numbers)
        except (FailedJobError, OSError) as error:
            words = str(error).strip().splitlines()
            reason = next((line for line in reversed(words) if "error:" in line), words[-1] if words else "")
            raise LaunchError(f"{_went_in(plan, done)}: {reason}; run it again to queue the rest") from error
        except KeyboardInterrupt:
            _say(f"{_went_in(plan, done)}; run it again to queue the rest")
            raise
        _say(
            f"{_went_in(plan, done)} in {len(plan.chunks)} job arrays: {', '.join(chunk.job for chunk in plan.chunks)}"
        )
        _say(f"follow them with: sambench status {job.sweep} --store {job.store}")


def _went_in(plan: Plan, done: int) -> str:
    return f"{done} of {len(plan.trials)} trials queued"


def _executor(plan: Plan, job: Job, chunk: Chunk, after: str) -> submitit.SlurmExecutor:
    folder = plan.store / "queued" / "logs"
    # Of no consequence for us, who queue our jobs again ourselves, but submitit gives up after so many.
    executor = submitit.SlurmExecutor(folder=folder / "%j", max_num_timeout=10_000)
    executor.update_parameters(**{key: value for key, value in _parameters(plan, job, chunk, after).items() if value})
    return executor


def _parameters(plan: Plan, job: Job, chunk: Chunk, after: str) -> dict[str, Any]:
    resources, profile = job.resources, job.profile
    gpus = profile.gpus if resources.gpus == "auto" else resources.gpus
    several, cpus = resources.nodes > 1, resources.cpus * resources.processes_per_node(gpus)
    time, memory = resources.time or profile.time or DEFAULT_TIME, resources.memory or profile.memory
    return {
        "job_name": f"sambench-{plan.sweep}",
        "partition": profile.partition,
        "account": profile.account,
        "qos": profile.qos,
        "constraint": profile.constraint,
        "time": minutes(time),
        "nodes": resources.nodes,
        "ntasks_per_node": resources.trials_per_gpu if not several else 1,
        "cpus_per_task": cpus,
        "gpus_per_node": (f"{profile.gpu_type}:{gpus}" if profile.gpu_type else gpus) if gpus else None,
        "mem": f"{memory}G" if memory else None,
        "signal_delay_s": profile.signal_seconds,
        "array_parallelism": chunk.parallel,
        "dependency": f"afterany:{after}" if after else None,
        # The worker of a trial on several nodes is one process, which starts the others itself.
        # srun no longer takes the CPUs of a task from the job.
        "srun_args": [f"--cpus-per-task={cpus}", *(("--nodes=1", "--ntasks=1", "--overlap") if several else ())],
        "stderr_to_stdout": True,
        "setup": [*_setup(plan, job, time, gpus), *profile.setup],
        "teardown": _teardown(),
        "additional_parameters": {"requeue": True, **profile.options},
    }


def _setup(plan: Plan, job: Job, time: str, gpus: int) -> list[str]:
    told = {
        **worker_environment(job.resources.cpus),
        "SAMBENCH_JOB_MINUTES": str(minutes(time)),
        "SAMBENCH_SIGNAL_SECONDS": str(job.profile.signal_seconds),
        "SAMBENCH_GPUS": str(gpus),
        "PYTHONPATH": f"{Path(__file__).resolve().parent.parent}${{PYTHONPATH:+:$PYTHONPATH}}",
    }
    unseen = f"sambench: {plan.path} is not visible on $(hostname); the store must lie on a shared file system"
    return [
        # A signal that comes before the worker listens must not end the script.
        "trap : USR2",
        *(f'export {name}="{value}"' for name, value in told.items()),
        f'if ! [ -e "{plan.path}" ]; then',
        f'  scontrol update JobId="$SLURM_JOB_ID" Comment="{unseen}" || true',
        f'  echo "{unseen}" >&2; exit {_UNSEEN}',
        "fi",
    ]


def _teardown() -> list[str]:
    """Queue the job again if its worker asks for it, or if it died, up to a point."""
    again = 'scontrol requeue "$SLURM_JOB_ID"'
    return [
        "status=$?",
        'case "$status" in',
        f"  0|{NO_GPU}) ;;",
        f"  {GO_ON}) {again} ;;",
        f'  *) [ "${{SLURM_RESTART_COUNT:-0}}" -lt {_RESTARTS} ] && {again} ;;',
        "esac",
        'exit "$status"',
    ]


def _trials_per_job(job: Job) -> int:
    wanted = job.resources.trials_per_job
    if wanted != "auto":
        return wanted
    if not job.seconds_per_trial:
        return 1
    limit = minutes(job.resources.time or job.profile.time or DEFAULT_TIME) / 2
    return max(1, int(60 * min(_PACK_MINUTES, limit) / job.seconds_per_trial))


def _say(message: str) -> None:
    print(message, file=sys.stderr)
