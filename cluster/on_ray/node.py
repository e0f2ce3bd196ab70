"""Node: does a worker's node have the driver's code and store?"""

from __future__ import annotations

import socket
from pathlib import Path

from bench.store import Store
from cluster.job import Job
from cluster.work.environment import other_code


def unfit(job: Job, trial_id: str, code: Path) -> str:
    """Why this node can't work on a trial, which was recorded in the store just before; empty if it can.

    `code` is the folder that the driver has this package from.
    """
    host, store = socket.gethostname(), job.store
    if (other := other_code(code)) is not None:
        return f"node {host} runs the sambench of {other}, not that of {code}"
    if reason := job.unseen_modules():
        return reason
    if (store / "store.json").exists() and Store(store).folder(trial_id).trial.exists():
        return ""
    return f"{store} is not visible on node {host}; the store must lie on a shared file system"
