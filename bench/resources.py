"""Resources: what one trial needs of a machine. Never part of a trial's identity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What a launcher reserves for each trial."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    gpus: Annotated[int, Ge(0)] | Literal["auto"] = "auto"
    """GPUs; `auto` is one where the machine has any, else none."""
    trials_per_gpu: Annotated[int, Ge(1)] = 1
    """Trials that share a GPU side by side; its memory is not partitioned."""
    cpus: Annotated[int, Ge(1)] = 1
    """Processor cores, and threads that torch uses on the CPU."""
