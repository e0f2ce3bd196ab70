"""What SLURM says of the trials of a sweep, as a hint beside our own records."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Collection

from bench.store import Store
from cluster import slurm_commands
from cluster.queue_plan import Plan, plans
from cluster.slurm_commands import SlurmError

_POLLS, _PAUSE = 3, 0.5
"""A job is called lost only if neither queue nor accounting knows it so many times in a row."""


def hints(store: Store, trials: Collection[str], unfinished: Collection[str]) -> list[str]:
    """Lines about the jobs that were queued for `trials`; nothing where none were, or no SLURM can be asked."""
    ours = [plan for plan in plans(store) if not set(plan.trials).isdisjoint(trials)]
    if not ours or shutil.which("squeue") is None:
        return []
    try:
        queue = slurm_commands.queue()
    except SlurmError as error:
        return [f"SLURM can't be asked now: {error}"]
    jobs = [chunk.job for plan in ours for chunk in plan.chunks if chunk.job]
    states = Counter(state.split()[0] for element, state in queue.items() if element.partition("_")[0] in jobs)
    lines = ["SLURM: " + ", ".join(f"{count} jobs {state}" for state, count in states.items())] if states else []
    if not unfinished:
        return lines
    gone = [job for job in jobs if not any(element.partition("_")[0] == job for element in queue)]
    for job in gone:
        lines += [f"SLURM: job {line}" for line in slurm_commands.ended_badly(job)][:3]
    lost = [job for job in gone if _is_lost(job)]
    if lost:
        lines.append(
            f"SLURM: it knows nothing of jobs {', '.join(lost)}: they are lost; `run` queues their trials again"
        )
    return lines


def cancel_elements(store: Store, cancelled: Collection[str]) -> int:
    """Take array elements that have nothing left but `cancelled` trials out of the queue; how many."""
    ours = list(plans(store))
    if not ours or shutil.which("squeue") is None:
        return 0
    pending = {element for element, state in slurm_commands.queue().items() if state.startswith("pending")}
    elements = [element for plan in ours for element in _idle(plan, set(cancelled)) if element in pending]
    for start in range(0, len(elements), 500):
        slurm_commands.cancel(*elements[start : start + 500])
    return len(elements)


def _idle(plan: Plan, cancelled: set[str]) -> list[str]:
    found = []
    for chunk in plan.chunks:
        for place in range(chunk.count if chunk.job else 0):
            if cancelled.issuperset(plan.share(chunk.first + place)):
                found.append(f"{chunk.job}_{place}" if chunk.count > 1 else chunk.job)
    return found


def _is_lost(job: str) -> bool:
    for poll in range(_POLLS):
        if poll:
            time.sleep(_PAUSE)
        if slurm_commands.is_known(job):
            return False
    return True
