"""Job: how one `run` executes its trials; created once by the command and passed on to every process."""

from __future__ import annotations

import os
import socket
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from bench.resources import EarlyStopping, Resources, Retries
from cluster.profile import Profile

if TYPE_CHECKING:
    from bench.sweep import Sweep


@dataclass(frozen=True, kw_only=True)
class Job:
    """What is the same for all trials of a `run`, on every machine and from its beginning to its end."""

    store: Path
    launcher: str = "inline"
    """A key of LAUNCHERS, or of MEASURERS."""
    sweep: str = "trials"
    """Its name."""
    resources: Resources = field(default_factory=Resources)
    """What each trial gets."""
    retries: Retries = field(default_factory=Retries)
    early_stopping: EarlyStopping | None = None
    profile: Profile = field(default_factory=Profile)
    """Of the site."""
    tensorboard: bool = False
    """Whether workers also write TensorBoard's files."""
    outputs: bool = True
    """Whether what trained models say of each test image is kept."""
    address: str | None = None
    """Of the Ray cluster to use, as `host:port`; None: one is started."""
    modules: str | None = None
    """Folder of the sweep, where modules of its plug-ins lie there."""

    def of(self, sweep: Sweep) -> Job:
        """The same for the trials of a sweep, as it asks for."""
        return replace(
            self,
            sweep=sweep.name,
            resources=sweep.resources,
            retries=sweep.retries,
            early_stopping=sweep.early_stopping,
            modules=sweep.modules,
        )

    def unseen_modules(self) -> str:
        """Why the modules of its plug-ins can't be found on this machine; empty if they can, or it has none."""
        if self.modules is None or os.path.isdir(self.modules):
            return ""
        host = socket.gethostname()
        return (
            f"{self.modules} is not visible on node {host}; modules beside the sweep must lie on a shared file system"
        )

    def as_dict(self) -> dict[str, Any]:
        """For JSON; without the store, which may be elsewhere when it is read."""
        return {name: value for name, value in asdict(self).items() if name != "store"}

    @classmethod
    def from_dict(cls, held: Any, store: Path) -> Job:
        """What `as_dict` gave, of the store at `store`; TypeError or ValueError for anything else."""
        return _ADAPTER.validate_python({**held, "store": store})


@dataclass(frozen=True, kw_only=True)
class Todo:
    """What a launcher is to run of a job now."""

    trials: dict[str, int]
    """Trial id → newest attempt that was known when this was decided."""
    over: tuple[str, ...] = ()
    """Trials of the sweep that are done or pruned, which others are compared with."""
    seconds_per_trial: float | None = None
    """Median of done trials, where there are any."""


_ADAPTER = TypeAdapter(Job)
