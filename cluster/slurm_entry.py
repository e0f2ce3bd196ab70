"""What submitit pickles for an array element: a function by its name, importable without torch."""

from __future__ import annotations

from pathlib import Path

from cluster.queue_plan import Plan

GO_ON = 75
"""Exit code of a worker that asks its batch script to queue the job again: there is more to do."""
FAULT = 74
"""Exit code of a worker that a fault of its machine stopped; its job is queued again, up to a point."""
NO_GPU = 79
"""Exit code of a worker whose node lacks the GPUs that were asked for."""


def work(plan_file: str, share: int) -> None:
    """Run the worker of share number `share` of a plan."""
    plan = Plan.load(Path(plan_file))
    if any(plan.missing(share)):
        # Seconds of imports, which an element that comes too late has no need of.
        from cluster.slurm_worker import work_here

        work_here(plan, share)
