"""Cores: how many processor cores this process may use, how many are free, and a warning if more are asked for.

Two threads that share a core in one training wait for each other by spinning: a step may take fifty times as long.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.errors import counted


@dataclass(frozen=True, kw_only=True)
class Cores:
    """What there is for the threads that are about to start."""

    allowed: int
    """Those that the kernel lets this process run on."""
    quota: float | None
    """What its control groups grant it, in cores; None: no limit."""
    busy: float
    """Cores of the machine that are at work for whomever."""
    machine: int
    """Cores of the whole machine."""

    @property
    def granted(self) -> int:
        """Whole cores that this process may use at once."""
        return self.allowed if self.quota is None else min(self.allowed, max(1, int(self.quota)))

    @property
    def free(self) -> int:
        """Those of them that nobody else uses."""
        return min(self.granted, max(0, self.machine - round(self.busy)))

    @property
    def text(self) -> str:
        """For people."""
        quota = "" if self.quota is None else f", quota {self.quota:g}"
        return f"{self.free} of {self.allowed} cores are free (load {self.busy:.1f} on {self.machine}{quota})"


def look(root: Path = Path("/")) -> Cores:
    """What the kernel says, whose files are under `root`."""
    return Cores(
        allowed=len(os.sched_getaffinity(0)),
        quota=min(_quotas(root), default=None),
        busy=_busy(root),
        machine=os.cpu_count() or 1,
    )


def warning(threads: int, processes: int, cores: Cores) -> str | None:
    """One sentence if processes of so many threads each want more cores than are free.

    Those of one thread only share what there is, so that others' load is no reason to warn.
    """
    if threads * processes <= (cores.free if threads > 1 else cores.granted):
        return None
    asked = f"{counted(processes, 'process')} of {counted(threads, 'thread')}"
    advice = f"set resources: {{max_parallel: {cores.granted}}}"
    if threads > 1:
        advice = "threads that share a core may take fifty times as long; set resources: {cpus: 1}"
    return f"{threads * processes} cores wanted by {asked}, but {cores.text}: {advice}"


def _busy(root: Path) -> float:
    """The load of the last minute, but no more than runs at this moment: what has just ended still counts in it."""
    try:
        load, _, _, running, _ = (root / "proc/loadavg").read_text(encoding="ascii").split()
        return min(float(load), float(running.partition("/")[0]) - 1)
    except (OSError, ValueError):
        return 0.0


def _quotas(root: Path) -> Iterator[float]:
    """The limits of this process's control groups and those above, in version 2 and version 1."""
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for _, controllers, path in (line.split(":", 2) for line in lines if line.count(":") > 1):
        if controllers and "cpu" not in controllers.split(","):
            continue
        top = root / "sys/fs/cgroup" / ("cpu" if controllers else "")
        group = top / path.lstrip("/")
        for folder in (group, *group.parents):
            if folder.is_relative_to(top):
                yield from _quota(folder)


def _quota(folder: Path) -> Iterator[float]:
    texts = [folder / "cpu.max"], [folder / "cpu.cfs_quota_us", folder / "cpu.cfs_period_us"]
    for files in texts:
        try:
            quota, period = " ".join(file.read_text(encoding="ascii") for file in files).split()
            if float(quota) > 0:
                yield float(quota) / float(period)
        except (OSError, ValueError):
            # No such file, or the word `max`.
            continue
