"""The entry point of jobs queued by earlier versions, which may wait for weeks.

Their pickles say `cluster.slurm_entry.work`, and nothing else of ours.
"""

from __future__ import annotations

import os
import subprocess

from cluster.on_slurm import entry
from cluster.on_slurm.exits import DONE, GO_ON


def work(plan_file: str, share: int) -> None:
    """Run the worker of share number `share` of a plan, and end this process."""
    code = entry.work(plan_file, share)
    if code == GO_ON and "SLURM_ARRAY_JOB_ID" in os.environ:
        # Asked for it, their batch scripts would queue the whole array again.
        element = f"{os.environ['SLURM_ARRAY_JOB_ID']}_{os.environ['SLURM_ARRAY_TASK_ID']}"
        subprocess.run(["scontrol", "requeue", element], check=False)
        code = DONE
    os._exit(code)
