"""Which device this process trains on."""

from __future__ import annotations

import torch


def device() -> torch.device:
    """The first GPU that this process may see, else the CPU."""
    return torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")


def describe(where: torch.device) -> str:
    """Name of the hardware, as the attempt records it."""
    if where.type == "cuda":
        return torch.cuda.get_device_name(where)
    return _cpu_model()


def _cpu_model() -> str:
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "CPU"
