"""Script: the batch script of a job array. submitit writes its frame; what stands in it, and its quoting, is ours.

What is not meant as shell reaches the shell quoted, and no path stands in an #SBATCH line, where SLURM has rules of its
own for `%` and backslashes.
"""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Any

import submitit

from bench.resources import minutes
from cluster.job import Job
from cluster.on_slurm import start
from cluster.on_slurm.exits import FINAL, GO_ON, UNFIT
from cluster.on_slurm.queue_plan import Chunk, Plan
from cluster.work.environment import worker_environment

DEFAULT_TIME = "1h"
"""Of a job, where neither sweep nor profile say."""
_SHARED = "; the store must lie on a shared file system"
_INSTALL = "; install sambench on a shared file system"
_WORKER = '"$sambench_python" -u -P "$sambench_start" "$sambench_plan"'
_DEATHS = 3
"""Workers of a job that may die in a row before they begin a trial; how often one may that began it is for the
sweep's `retries` to say."""
_STOPS = 20
"""Workers in a row that may be told to stop before they begin a trial."""


class _Frame(submitit.SlurmExecutor):
    """submitit's script around a command of ours."""

    @classmethod
    def affinity(cls) -> int:
        """A script can be shown where there is no SLURM."""
        return 2

    def text(self, command: str, count: int) -> str:
        self.parameters["map_count"] = count
        return self._make_submission_file_text(command, uid="")


def batch_script(plan: Plan, chunk: Chunk, after: str) -> str:
    """The script of the array of a chunk, to start after array `after`."""
    frame = _Frame(folder="unused")
    frame.update_parameters(
        **{key: value for key, value in _parameters(plan, chunk, after).items() if value is not None}
    )
    return frame.text(_command(plan.job, chunk), chunk.count) + "\n"


def quoted(text: str | Path) -> str:
    """One word of the shell, in ASCII; control characters by their number, since sbatch refuses some."""
    data = os.fsencode(text)
    if str(text).isascii() and str(text).isprintable():
        return shlex.quote(str(text))
    plain = (chr(byte) if 32 <= byte < 127 and byte not in b"'\\" else f"\\x{byte:02x}" for byte in data)
    return f"$'{''.join(plain)}'"


def job_minutes(job: Job) -> int:
    """The time limit of its jobs."""
    return minutes(job.resources.time or job.profile.time or DEFAULT_TIME)


def _parameters(plan: Plan, chunk: Chunk, after: str) -> dict[str, Any]:
    job = plan.job
    resources, profile = job.resources, job.profile
    gpus, memory = _gpus(job), resources.memory or profile.memory
    options = {name.replace("_", "-"): value for name, value in profile.options.items()}
    further = {"requeue": True, **options, "output": "/dev/null"}
    return {
        "job_name": plan.name(chunk),
        "partition": profile.partition,
        "account": profile.account,
        "qos": profile.qos,
        "constraint": profile.constraint,
        "time": job_minutes(job),
        "nodes": resources.nodes,
        "ntasks_per_node": _tasks(job),
        "cpus_per_task": _cpus(job),
        "gpus_per_node": (f"{profile.gpu_type}:{gpus}" if profile.gpu_type else gpus) if gpus else None,
        "mem": f"{memory}G" if memory else None,
        "signal_delay_s": _signal_seconds(job),
        "array_parallelism": chunk.parallel,
        "dependency": f"afterany:{after}" if after else None,
        "stderr_to_stdout": True,
        "use_srun": False,
        "setup": [*_setup(plan), *profile.setup, "status=0"],
        "teardown": _teardown(),
        "additional_parameters": {name: value for name, value in further.items() if value is not False},
    }


def _gpus(job: Job) -> int:
    return job.profile.gpus if job.resources.gpus == "auto" else job.resources.gpus


def _cpus(job: Job) -> int:
    return job.resources.cpus * job.resources.processes_per_node(_gpus(job))


def _tasks(job: Job) -> int:
    """Workers on each node."""
    return job.resources.trials_per_gpu if job.resources.nodes == 1 else 1


def _signal_seconds(job: Job) -> int:
    """At most half of the job's time, or it would be told to stop as soon as it starts."""
    return min(job.profile.signal_seconds, 30 * job_minutes(job))


def _setup(plan: Plan) -> list[str]:
    job = plan.job
    told = {
        **worker_environment(job.resources.cpus),
        "SAMBENCH_JOB_MINUTES": job_minutes(job),
        "SAMBENCH_SIGNAL_SECONDS": _signal_seconds(job),
        "SAMBENCH_GPUS": _gpus(job),
    }
    return [
        # A signal that comes before the worker listens must not end the script.
        "trap : USR2",
        # The number of its job alone is that of the whole array for one of its elements.
        'sambench_element="${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}"',
        f"sambench_plan={quoted(plan.path)}",
        f"sambench_python={quoted(sys.executable)}",
        f"sambench_start={quoted(start.__file__)}",
        f'sambench_log={quoted(plan.folder)}/"$sambench_element.log"',
        'export SAMBENCH_FRUITLESS="$sambench_log.fruitless"',
        'sambench_say() { echo "sambench: $1"; scontrol update JobId="$sambench_element" Comment="sambench: $1"; }',
        f'sambench_unfit() {{ sambench_say "$1 $(hostname)$2"; exit {UNFIT}; }}',
        f'[ -e "$sambench_plan" ] || sambench_unfit "$sambench_plan is not visible on" "{_SHARED}"',
        '{ : >> "$sambench_log"; } || sambench_unfit "$sambench_log is not writable on"',
        'exec >> "$sambench_log" 2>&1',
        'for file in "$sambench_python" "$sambench_start"; do',
        f'  [ -r "$file" ] || sambench_unfit "$file is not visible on" "{_INSTALL}"',
        "done",
        *(f"export {name}={quoted(str(value))}" for name, value in told.items()),
    ]


def _command(job: Job, chunk: Chunk) -> str:
    # srun takes neither the CPUs of a task from the job, nor the environment if the job was queued without one.
    options = ["--unbuffered", "--export=ALL", f"--cpus-per-task={_cpus(job)}"]
    if job.resources.nodes > 1:
        # The worker of a trial on several nodes is one process, which starts the others itself.
        options += ["--nodes=1", "--ntasks=1", "--overlap"]
    if _tasks(job) > 1:
        options.append("--label")
    return f"srun {' '.join(options)} {_WORKER} {chunk.first} || status=$?"


def _teardown() -> list[str]:
    """Queue the job again if its worker asks for it or died, unless that has come to nothing too often."""
    why = "$1 workers in a row ended before they began a trial, the last with exit code $status"
    return [
        # The worker removes the file as soon as it has a trial.
        "again() {",
        '  echo "$status" >> "$SAMBENCH_FRUITLESS" || exit "$status"',
        '  if [ "$(wc -l < "$SAMBENCH_FRUITLESS")" -lt "$1" ]; then',
        '    scontrol requeue "$sambench_element"',
        "  else",
        f'    sambench_say "given up: {why}"',
        "  fi",
        "}",
        'case "$status" in',
        f"  {'|'.join(map(str, FINAL))}) ;;",
        f"  {GO_ON}) again {_STOPS} ;;",
        f"  *) again {_DEATHS} ;;",
        "esac",
        'exit "$status"',
    ]
