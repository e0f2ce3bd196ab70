"""LAUNCHERS: how a job's trials get onto processors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Self

from bench.errors import UserError
from bench.plugins import Registry
from bench.registry import LauncherEntry
from cluster.job import Job, Todo
from cluster.progress import Progress

_LAUNCHERS: dict[str, LauncherEntry] = {
    "ray": LauncherEntry(
        target="cluster.on_ray.launcher:RayLauncher",
        summary="Ray Tune, on this machine or an existing Ray cluster (default)",
        prunes=True,
    ),
    "slurm": LauncherEntry(
        target="cluster.on_slurm.launcher:SlurmLauncher",
        summary="SLURM job arrays; returns once they are queued",
        queues=True,
    ),
    "inline": LauncherEntry(
        target="cluster.inline:InlineLauncher", summary="one trial after another in this process, for debugging"
    ),
}

LAUNCHERS: Registry[LauncherEntry] = Registry("launcher", _LAUNCHERS)

TRIES = 3
"""Times in a row that workers may end before they begin on a trial; then trials are given up, with the reason."""


class LaunchError(UserError):
    """Trials that can't be started as asked, with the reason and the way out."""


class Launcher(ABC):
    """Starts workers on trials and waits for them. A context manager, so that what it starts is stopped."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def check(self, job: Job) -> None:  # noqa: B027 - most launchers have nothing to check up front
        """LaunchError if a job can't be run as asked; before anything of it is recorded."""

    @abstractmethod
    def launch(self, job: Job, todo: Todo, progress: Progress | None) -> None:
        """Run every trial of `todo` once and report to `progress`, or queue them; LaunchError if none can start."""

    def close(self) -> None:  # noqa: B027 - most start nothing that outlives a launch
        """Stop what was started."""
