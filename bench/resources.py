"""Resources: what a trial needs from a machine, how often it is retried, and when a search stops it.

Never part of a trial's identity.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Gt
from pydantic import AfterValidator, AllowInfNan, Strict

_UNITS = {"d": 1440, "h": 60, "m": 1}
_LONGEST = 3650 * _UNITS["d"]


def minutes(time: str) -> int:
    """Minutes of `90m`, `8h`, `2d` or `1d12h`; ValueError for anything else."""
    parts = re.findall(r"(\d+)([dhm])", time)
    if not parts or "".join(number + unit for number, unit in parts) != time:
        raise ValueError("a time is written as 90m, 8h, 2d or 1d12h")
    total = sum(int(number) * _UNITS[unit] for number, unit in parts)
    if total < 1:
        raise ValueError("a time is at least 1m")
    if total > _LONGEST:
        raise ValueError(f"a time is at most {_LONGEST // _UNITS['d']}d")
    return total


def _checked(time: str) -> str:
    minutes(time)
    return time


Time = Annotated[str, AfterValidator(_checked)]
# Strict, because `cpus: '4'` and `cpus: true` are mistakes.
Natural = Annotated[int, Strict(), Ge(0)]
Positive = Annotated[int, Strict(), Ge(1)]


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What a launcher reserves for one trial."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    gpus: Natural | Literal["auto"] = "auto"
    """GPUs per node, one process each; `auto`: one if the machine has any, else none."""
    trials_per_gpu: Positive = 1
    """Trials that share one GPU; its memory isn't partitioned."""
    cpus: Positive = 1
    """CPU cores per process, and torch's threads on the CPU."""
    nodes: Positive = 1
    """Nodes that train one trial together."""
    processes: Positive | None = None
    """Processes per node that train one trial together; None: one per GPU, at least one."""
    time: Time | None = None
    """Time limit of a cluster job, such as `8h`; a job that reaches it is continued by a new one."""
    memory: Positive | None = None
    """Memory of a job per node, in GB."""
    trials_per_job: Positive | Literal["auto"] = "auto"
    """Trials per cluster job; `auto`: by the time that earlier trials took."""
    checkpoint_seconds: Natural = 5
    """Least seconds between checkpoints, written as epochs end: the work that a kill can cost. 0: every epoch."""
    max_parallel: Positive | None = None
    """Most jobs of the sweep that run at once on a cluster; None: no limit."""

    def processes_per_node(self, gpus: int) -> int:
        """Processes that train a trial on each node, where a node gives it `gpus` GPUs."""
        return self.processes or max(1, gpus)


@dataclass(frozen=True, kw_only=True)
class Retries:
    """How often a trial is retried after each kind of failure before it counts as failed."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    crashed: Natural = 2
    """Its process was killed or died."""
    lost: Natural = 10
    """Its machine stopped responding, which says nothing about the trial."""
    oom: Natural = 0
    """Out of memory, which would recur unless resources change."""
    error: Natural = 0
    """An exception, which would be raised again."""

    def allow(self, outcome: str, times: int) -> bool:
        """Whether a trial whose newest attempt ended by `outcome`, as `times` of its attempts did, may try again."""
        if outcome in ("done", "diverged"):
            return False
        return times <= int(getattr(self, outcome, times))


@dataclass(frozen=True, kw_only=True)
class EarlyStopping:
    """Stops trials of a search that fall behind, by asynchronous successive halving (ASHA).

    Li et al., A System for Massively Parallel Hyperparameter Tuning, MLSys 2020. After `grace_epochs` epochs, and
    after `reduction` times as many, and so on, a trial goes on only if it is among the best 1/`reduction` of those
    that came so far.
    """

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    metric: Literal["val_accuracy", "test_accuracy", "val_bleu"] = "val_accuracy"
    """Column of the history to compare trials by; higher is better."""
    grace_epochs: Positive = 1
    """Epochs that every trial trains before it can be stopped."""
    reduction: Annotated[float, Strict(), AllowInfNan(False), Gt(1)] = 3.0
    """One in this many trials continues at each stage."""


_UNITS_FOR = {"bfloat16": {"avx512_bf16", "amx_bf16", "bf16"}, "float16": {"avx512_fp16", "amx_fp16", "fphp"}}
"""Flags of processors that multiply in these types; any of them will do. x86's names, then ARM's."""


def has_units_for(dtype: str, described: str | None = None) -> bool:
    """Whether the processor multiplies numbers of this type itself; others emulate it, many times slower.

    `described` is what the kernel says of it. True where it says nothing.
    """
    if dtype not in _UNITS_FOR:
        return True
    if described is None:
        cpuinfo = Path("/proc/cpuinfo")
        described = cpuinfo.read_text(encoding="utf-8", errors="replace") if cpuinfo.is_file() else ""
    flags = re.findall(r"^(?:flags|Features)\s*:(.*)$", described, re.MULTILINE)
    return not flags or any(_UNITS_FOR[dtype] & set(line.split()) for line in flags)
