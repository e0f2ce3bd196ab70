"""Place: what a trial reserves in a Ray cluster, and whether the cluster has it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import ray
from ray import tune

from cluster.job import Job
from cluster.launcher import LaunchError


@dataclass(frozen=True)
class Place:
    """What each trial gets."""

    bundle: dict[str, float]
    """Of each node."""
    nodes: int
    processes: int
    """On each node."""
    slots: int
    """Trials that fit side by side."""

    def resources(self) -> dict[str, float] | tune.PlacementGroupFactory:
        """In Tune's terms. The worker gets the first bundle; those of other nodes are for its processes alone."""
        if self.nodes == 1:
            return self.bundle
        return tune.PlacementGroupFactory([self.bundle] * self.nodes, strategy="STRICT_SPREAD")


def find_place(job: Job) -> Place:
    """Where the trials of `job` fit; LaunchError if they don't."""
    resources = job.resources
    there = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    gpus = max((node.get("GPU", 0.0) for node in there), default=0.0)
    wanted = min(gpus, 1.0) if resources.gpus == "auto" else float(resources.gpus)
    if wanted > gpus:
        raise LaunchError(f"{wanted:g} GPUs asked for and {gpus:g} there; set resources: {{gpus: auto}} or 0")
    cpus = float(resources.cpus * resources.processes_per_node(math.ceil(wanted)))
    most = max((node.get("CPU", 0.0) for node in there), default=0.0)
    if cpus > most:
        raise LaunchError(f"{cpus:g} CPUs asked for per trial and {most:g} there")
    bundle = {kind: amount for kind, amount in (("CPU", cpus), ("GPU", wanted / resources.trials_per_gpu)) if amount}
    room = [_fits(bundle, node) for node in there]
    able = sum(fits > 0 for fits in room)
    if able < resources.nodes:
        told = ", ".join(f"{amount:g} {kind}" for kind, amount in bundle.items())
        raise LaunchError(
            f"{resources.nodes} nodes of {told} asked for per trial; Ray has {able} of {len(there)} nodes"
        )
    slots = sum(room) // resources.nodes
    return Place(
        bundle=bundle,
        nodes=resources.nodes,
        processes=resources.processes_per_node(math.ceil(bundle.get("GPU", 0.0))),
        slots=min(slots, resources.max_parallel or slots),
    )


def _fits(bundle: dict[str, float], node: dict[str, float]) -> int:
    """How many of `bundle` a node holds."""
    return min(int(node.get(kind, 0.0) / amount) for kind, amount in bundle.items())
