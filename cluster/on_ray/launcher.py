"""The launcher `ray`, without ray itself, which reads its environment when it is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.job import Job, Todo
from cluster.launcher import Launcher
from cluster.on_ray.environment import prepare
from cluster.on_ray.reachable import check_address
from cluster.progress import Progress

if TYPE_CHECKING:
    from cluster.on_ray.connection import Connection


class RayLauncher(Launcher):
    """Uses a Ray instance of this run alone and stops it at the end, or one that is there and leaves it."""

    def __init__(self) -> None:
        self._ray: Connection | None = None

    def check(self, job: Job) -> None:
        """See `Launcher.check`: a cluster that is asked for has to be there."""
        if job.address is not None:
            check_address(job.address)

    def launch(self, job: Job, todo: Todo, progress: Progress | None) -> None:
        """Run every trial of `todo` once; LaunchError if it can't be placed, or its workers can't start on it."""
        assert progress is not None, "trials run while the driver waits"
        prepare(job.address)
        from cluster.on_ray.connection import Connection
        from cluster.on_ray.tune import run_trials

        self._ray = self._ray or Connection(job.address, job.resources.cpus)
        with self._ray.attended():
            run_trials(self._ray, job, todo, progress)

    def close(self) -> None:
        """Stop the Ray of this run, or leave the one that was there."""
        if self._ray is not None:
            self._ray.close()
