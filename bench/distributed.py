"""The processes of one trial: this one's rank, what they agree on, and what they sum up.

torchrun tells each process its place through the environment. A process on its own is a world of one, and then
nothing here communicates.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import Tensor, distributed

_PATIENCE = timedelta(minutes=10)
"""Longest wait of one process for another."""


@dataclass(frozen=True)
class World:
    """This process's place among those of its trial."""

    rank: int
    size: int


def world() -> World:
    """The world of this process."""
    if not distributed.is_initialized():
        return World(0, 1)
    return World(distributed.get_rank(), distributed.get_world_size())


@contextmanager
def process_group() -> Iterator[World]:
    """Inside, the processes that torchrun started form one world."""
    backend = "nccl" if torch.cuda.is_available() else "gloo"
    distributed.init_process_group(backend, timeout=_PATIENCE)
    try:
        yield world()
    finally:
        distributed.destroy_process_group()


def device() -> torch.device:
    """The GPU of this process, the first that it may see unless torchrun numbers it, else the CPU."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    index = int(os.environ.get("LOCAL_RANK", "0"))
    torch.cuda.set_device(index)
    return torch.device("cuda", index)


def add_up(tensor: Tensor) -> Tensor:
    """Sum over processes, in place."""
    if world().size > 1:
        distributed.all_reduce(tensor)
    return tensor


def average(tensors: Iterable[Tensor]) -> None:
    """Means over processes, in place, in one message."""
    listed = list(tensors)
    if world().size == 1 or not listed:
        return
    flat = torch.cat([tensor.detach().flatten() for tensor in listed])
    add_up(flat).div_(world().size)
    for tensor, part in zip(listed, flat.split([tensor.numel() for tensor in listed]), strict=True):
        tensor.copy_(part.view_as(tensor))


def agree(flag: bool, where: torch.device) -> bool:
    """Whether any process says so: all get the same answer."""
    if world().size == 1:
        return flag
    return bool(add_up(torch.tensor(float(flag), device=where)).item())


def wait_for_all(where: torch.device) -> None:
    """Return once every process is here."""
    agree(False, where)


def describe(where: torch.device) -> str:
    """Name of the hardware, as the attempt records it."""
    if where.type == "cuda":
        return torch.cuda.get_device_name(where)
    return _cpu_model()


def _cpu_model() -> str:
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "CPU"
