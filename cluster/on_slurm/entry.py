"""Where a job starts; light, because an element that comes too late doesn't need torch."""

from __future__ import annotations

import sys
from pathlib import Path

from bench.errors import UserError
from cluster.on_slurm.exits import DONE, UNFIT
from cluster.on_slurm.queue_plan import Plan


def work(plan_file: str, share: int) -> int:
    """Run the worker of share number `share` of a plan; its exit code."""
    try:
        plan = Plan.load(Path(plan_file))
        if not any(plan.missing(share)):
            return DONE
        if reason := plan.job.unseen_modules():
            print(f"sambench: {reason}")
            return UNFIT
        from cluster.on_slurm.worker import work_here

        return work_here(plan, share)
    except UserError as error:
        sys.exit(f"sambench: {error}")
