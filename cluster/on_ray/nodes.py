"""Nodes: `python -m cluster.on_ray.nodes ADDRESS GROUP COMMAND…` runs the command once on each node of a trial.

GROUP is the trial's Ray placement group, of one bundle per node. The first bundle is the worker's, which starts this
on its own node: there the command is a child of this process; on the others a Ray task runs it. When one fails, or
this process dies, the others are ended.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from typing import Any

import ray
from ray import PlacementGroupID
from ray.util.placement_group import PlacementGroup
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

from cluster.work.torchrun import die_with_parent

_POLL = 0.2
_TAIL = 4000
"""Characters of a failed command's output that are kept for the trial's log."""
_PASSED_ON = ("GLOO_", "MALLOC_", "MKL_", "NCCL_", "OMP_", "PYTHON", "SAMBENCH_", "THP_", "TORCH")
"""Beginnings of the names of variables that the command needs; which GPUs it sees is up to each node."""


def main(address: str, group_id: str, *command: str) -> int:
    """Run `command` on every node; 0, or the exit status of the first that failed."""
    environment = {name: value for name, value in os.environ.items() if name.startswith(_PASSED_ON)}
    ray.init(
        address=address,
        log_to_driver=False,
        logging_level=logging.ERROR,
        runtime_env={"env_vars": {"PYTHONPATH": os.environ.get("PYTHONPATH", "")}},
    )
    group = PlacementGroup(PlacementGroupID.from_hex(group_id))
    elsewhere = [
        _there(group, index, bundle).remote(list(command), os.getcwd(), environment)
        for index, bundle in enumerate(group.bundle_specs)
        if index > 0
    ]
    here = subprocess.Popen(command, preexec_fn=die_with_parent)
    try:
        return _wait(here, elsewhere)
    finally:
        if here.poll() is None:
            here.kill()
            here.wait()
        # Whatever still runs elsewhere ends with this connection.
        ray.shutdown()


def _there(group: PlacementGroup, index: int, bundle: dict[str, float]) -> Any:
    strategy = PlacementGroupSchedulingStrategy(placement_group=group, placement_group_bundle_index=index)
    return ray.remote(run_there).options(
        num_cpus=bundle.get("CPU", 0), num_gpus=bundle.get("GPU", 0), scheduling_strategy=strategy, max_retries=0
    )


def run_there(command: list[str], folder: str, environment: dict[str, str]) -> tuple[int, str]:
    """In a Ray task: the command's exit status and the end of what it said."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=die_with_parent,
    )
    try:
        said, _ = process.communicate()
        return process.returncode, said[-_TAIL:]
    finally:
        process.kill()


def _wait(here: subprocess.Popen[bytes], elsewhere: list[Any]) -> int:
    while True:
        ended, elsewhere = ray.wait(elsewhere, num_returns=1, timeout=0) if elsewhere else ([], [])
        for task in ended:
            status, said = ray.get(task)
            if status:
                print(said, flush=True)
                return int(status)
        if here.poll():
            return int(here.returncode)
        if here.poll() == 0 and not elsewhere:
            return 0
        time.sleep(_POLL)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
