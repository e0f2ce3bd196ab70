"""A module with all kinds of parameters, and what updates make of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import nn


class Layers(nn.Module):
    """Kernels, vectors, a token and a matrix."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.norm, self.head = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Linear(8, 5)
        self.token = nn.Parameter(torch.randn(1, 1, 8))


def gradients(model: nn.Module, steps: int = 4) -> Iterator[None]:
    for number in range(steps):
        torch.manual_seed(number)
        for parameter in model.parameters():
            # Laid out as the parameter is.
            parameter.grad = torch.empty_like(parameter).copy_(torch.randn(parameter.shape))
        yield


def updated(make: Callable[[nn.Module], Callable[[], object]], model: nn.Module | None = None) -> nn.Module:
    model = model or Layers()
    step = make(model)
    for _ in gradients(model):
        step()
    return model
