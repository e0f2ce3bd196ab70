"""LAUNCHERS: how a job's trials get onto processors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from bench.errors import UserError
from bench.registry import LauncherEntry
from bench.resources import EarlyStopping, Resources, Retries
from cluster.profile import Profile
from cluster.progress import Progress

LAUNCHERS: dict[str, LauncherEntry] = {
    "ray": LauncherEntry(
        target="cluster.on_ray.launcher:RayLauncher",
        summary="Ray Tune on this machine (default), or on a Ray cluster that is there",
        prunes=True,
    ),
    "slurm": LauncherEntry(
        target="cluster.on_slurm.launcher:SlurmLauncher",
        summary="job arrays of a SLURM cluster; returns when they are queued",
        queues=True,
    ),
    "inline": LauncherEntry(
        target="cluster.inline:InlineLauncher", summary="one after another in this process, for debugging"
    ),
}

TRIES = 3
"""Times in a row that workers may end before they begin on a trial; then trials are given up, with the reason."""


class LaunchError(UserError):
    """Trials that can't be started as asked, with the reason and the way out."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """What a launcher schedules: trials and the resources that each needs."""

    store: Path
    trials: dict[str, int]
    """Trial id → newest attempt known when the job was made."""
    resources: Resources
    retries: Retries = field(default_factory=Retries)
    sweep: str = "trials"
    profile: Profile = field(default_factory=Profile)
    seconds_per_trial: float | None = None
    """Median of done trials, where there are any."""
    tensorboard: bool = False
    """Whether workers also write TensorBoard's files."""
    address: str | None = None
    """Of the Ray cluster to use, as `host:port`; None: one is started."""
    early_stopping: EarlyStopping | None = None
    over: tuple[str, ...] = ()
    """Trials of the sweep that are done or pruned, which others are compared with."""


class Launcher(ABC):
    """Starts workers on trials and waits for them. A context, so that what it starts is stopped again."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @abstractmethod
    def launch(self, job: Job, progress: Progress | None) -> None:
        """Run every trial once and tell `progress`, or queue them; LaunchError if none can be started."""

    def close(self) -> None:  # noqa: B027 - most start nothing that outlives a launch
        """Stop what was started."""
