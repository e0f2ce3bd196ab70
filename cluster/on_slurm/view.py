"""View: what SLURM says about a sweep's trials, as a hint beside our own records."""

from __future__ import annotations

import os
import shutil
import time
from collections import Counter
from collections.abc import Collection
from contextlib import suppress

from bench.errors import counted
from bench.store import Store
from cluster.on_slurm import commands
from cluster.on_slurm.commands import SlurmError
from cluster.on_slurm.queue_plan import Plan, plans

_POLLS, _PAUSE = 3, 0.5
"""A job is called lost only if neither queue nor accounting knows it so many times in a row."""


def hints(store: Store, trials: Collection[str], unfinished: Collection[str]) -> list[str]:
    """Lines about the jobs that were queued for `trials`; nothing where none were, or no SLURM can be asked."""
    known = [plan for plan in plans(store) if not set(plan.trials).isdisjoint(trials)]
    if not known or shutil.which("squeue") is None:
        return []
    try:
        queue = commands.queue()
    except SlurmError as error:
        return [f"SLURM can't be asked now: {error}"]
    states: Counter[str] = Counter()
    gone: dict[str, Plan] = {}
    for plan in known:
        plan.adopt(queue)
        waiting = [element for element, _ in plan.elements(queue)]
        states.update(queue[element].state for element in waiting)
        alive = {element.partition("_")[0] for element in waiting}
        gone |= {chunk.job: plan for chunk in plan.chunks if chunk.job and chunk.job not in alive}
    told = ", ".join(f"{counted(count, 'job')} {state}" for state, count in states.items())
    lines = [f"SLURM: {told}"] if told else []
    if not unfinished:
        return lines
    for job, plan in gone.items():
        bad = list(commands.ended_badly(job).items())[:3]
        lines += [f"SLURM: job {element} {how}{_last_words(plan, element)}" for element, how in bad]
    # Accounting tells most users of their own jobs only.
    lost = [job for job, plan in gone.items() if plan.path.stat().st_uid == os.getuid() and _is_lost(job)]
    if lost:
        lines.append(
            f"SLURM: it knows nothing of jobs {', '.join(lost)}: they are lost; `run` queues their trials again"
        )
    return lines


def cancel_elements(store: Store, cancelled: Collection[str]) -> int:
    """Take array elements that have nothing left but `cancelled` trials out of the queue; how many."""
    known = plans(store)
    if not known or shutil.which("squeue") is None:
        return 0
    queue = commands.queue()
    elements = []
    for plan in known:
        plan.adopt(queue)
        idle = (element for element, trials in plan.elements(queue) if set(cancelled).issuperset(trials))
        elements += [element for element in idle if queue[element].state == "pending"]
    for start in range(0, len(elements), 500):
        commands.cancel(*elements[start : start + 500])
    return len(elements)


def _last_words(plan: Plan, element: str) -> str:
    """The last line that a job's worker left, and where there is more."""
    log = plan.log(element)
    # A link may lead out of a store that came from someone else.
    if plan.folder.is_symlink() or log.is_symlink():
        return ""
    with suppress(OSError):
        lines = log.read_bytes()[-10_000:].decode(errors="replace").splitlines()
        # What comes after the worker's own words is said of every worker that dies.
        others = ("srun:", "slurmstepd:", "sambench: given up")
        ours = [line.strip() for line in lines if line.strip() and not line.startswith(others)]
        return f": {''.join(filter(str.isprintable, ours[-1]))}; see {log}" if ours else ""
    return ""


def _is_lost(job: str) -> bool:
    for poll in range(_POLLS):
        if poll:
            time.sleep(_PAUSE)
        if commands.is_known(job):
            return False
    return True
