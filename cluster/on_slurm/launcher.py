"""Launcher `slurm`: job arrays on a SLURM cluster. Nothing stays alive on the login node.

An array element is a worker (`worker`); how a job goes on after preemption or a time limit is up to its
batch script (`on_slurm.script`), which queues it again when the worker asks for it or is killed.
"""

from __future__ import annotations

import math
import os
import stat
import sys
from dataclasses import replace
from pathlib import Path

from bench.errors import counted
from bench.store import Store, files
from cluster.job import Job, Todo
from cluster.launcher import Launcher, LaunchError
from cluster.on_slurm import commands
from cluster.on_slurm.commands import Queued, SlurmError
from cluster.on_slurm.queue_plan import Plan, cut, new_path, plans
from cluster.on_slurm.script import batch_script, job_minutes
from cluster.progress import Progress

_PACK_MINUTES = 20.0
"""Work that a job is queued for, if trials are shorter: starting a worker takes half a minute of it."""


class SlurmLauncher(Launcher):
    """Queues trials and returns."""

    def launch(self, job: Job, todo: Todo, progress: Progress | None = None) -> None:
        """Queue what isn't queued yet; LaunchError in SLURM's own words if it refuses, with how many went in."""
        commands.require()
        store = Store.open(job.store)
        waiting = _waiting(store, commands.queue())
        missing = {trial_id: seen for trial_id, seen in todo.trials.items() if trial_id not in waiting}
        if waiting:
            _say(f"{counted(len(set(todo.trials) & waiting), 'trial', 'is', 'are')} in the queue already")
        if not missing:
            return
        most_elements = commands.max_array_size(job.profile.max_array_size)
        self._submit(self.plan(job, replace(todo, trials=missing), most_elements))

    def text(self, job: Job, todo: Todo) -> str:
        """The batch script of the first array, as it would be submitted."""
        plan = self.plan(job, todo, job.profile.max_array_size or 1000)
        return batch_script(plan, plan.chunks[0], after="")

    def plan(self, job: Job, todo: Todo, most_elements: int) -> Plan:
        """Cut the trials into shares and arrays."""
        per_share = _trials_per_job(job, todo)
        shares = math.ceil(len(todo.trials) / per_share)
        return Plan(
            path=new_path(job),
            job=job,
            trials=list(todo.trials),
            per_share=per_share,
            chunks=cut(shares, most_elements, job.resources.max_parallel),
        )

    def _submit(self, plan: Plan) -> None:
        newest: dict[int, str] = {}
        done = 0
        try:
            plan.save()
            plan.folder.mkdir(mode=0o700)
            for chunk in plan.chunks:
                script = plan.folder / f"{plan.name(chunk)}.sh"
                files.write(script, batch_script(plan, chunk, newest.get(chunk.lane, "")).encode())
                check_own(plan.folder)
                chunk.job = newest[chunk.lane] = commands.submit(script, plan.name(chunk))
                plan.save()
                numbers = range(chunk.first, chunk.first + chunk.count)
                done += sum(len(plan.share(number)) for number in numbers)
        except (SlurmError, OSError) as error:
            raise LaunchError(f"{_went_in(plan, done)}; run it again to queue the rest. {error}") from error
        except KeyboardInterrupt:
            _say(f"{_went_in(plan, done)}; run it again to queue the rest")
            raise
        arrays = ", ".join(chunk.job for chunk in plan.chunks)
        _say(f"{_went_in(plan, done)} in {counted(len(plan.chunks), 'job array')}: {arrays}")
        _say(f"follow them with: sambench status {plan.job.sweep} --store {plan.job.store}")


def check_own(folder: Path) -> None:
    """LaunchError unless nobody else can put a file into `folder`, which SLURM then runs as us."""
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise LaunchError(f"{folder} is not a folder that only you can use: jobs are not queued from there")


def _waiting(store: Store, queue: dict[str, Queued]) -> set[str]:
    """Trials in the queue; arrays that nobody recorded are, now."""
    found: set[str] = set()
    for plan in plans(store):
        if plan.adopt(queue):
            plan.save()
        for _, trials in plan.elements(queue):
            found.update(trials)
    return found


def _went_in(plan: Plan, done: int) -> str:
    return f"{done} of {len(plan.trials)} trials queued"


def _trials_per_job(job: Job, todo: Todo) -> int:
    wanted = job.resources.trials_per_job
    if wanted != "auto":
        return wanted
    if not todo.seconds_per_trial:
        return 1
    return max(1, int(60 * min(_PACK_MINUTES, job_minutes(job) / 2) / todo.seconds_per_trial))


def _say(message: str) -> None:
    print(message, file=sys.stderr)
