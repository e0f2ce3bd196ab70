"""What the step benchmarks run on: networks, a batch, and the base optimizer."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from bench.models import build

THREADS = 1
"""Of more, some spin while others work, and their processor time says nothing."""
BATCH = 64


def now(device: str) -> float:
    """Seconds: the processor's on a CPU, which others on the machine hardly change; the clock's on a device."""
    if device == "cpu":
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


MODELS: dict[str, Callable[[], nn.Module]] = {
    name: partial(build, name) for name in ("wrn16_2", "wrn28_2", "wrn28_10", "vit_t4", "vit_s4")
}
"""For 32×32 images in 10 classes."""


def batch() -> tuple[Tensor, Tensor]:
    """(64, 3, 32, 32) normal inputs and (64,) labels; the same every time."""
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(BATCH, 3, 32, 32, generator=generator)
    return inputs, torch.randint(0, 10, (BATCH,), generator=generator)


def base_optimizer(model: nn.Module) -> torch.optim.Optimizer:
    """The recipe's SGD; its rate is small so that random labels don't blow up the weights."""
    return torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9, weight_decay=5e-4, foreach=True)
