"""Models of the registry for tests: without memory for weights, or at their smallest practical image."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from bench import models
from bench.models import build
from bench.registry import CLASSIFICATION

MODELS = {name: entry for name, entry in models.MODELS.items() if entry.task == CLASSIFICATION}
"""Those of images."""


def on_meta(name: str, **options: int) -> nn.Module:
    """The model without memory for its weights."""
    with torch.device("meta"):
        return build(name, **options)


_SIDES = {"resnet50": 48, "resnet101": 48, "resnet101_cifar": 16}
"""Smaller images end as one pixel, where batch norm over four values makes gradients of deep nets explode."""


def small_side(name: str) -> int:
    """An image side at which steps are fast and gradients moderate."""
    found = MODELS[name]
    return _SIDES.get(name, max(8, found.min_size, 2 * found.multiple_of))


def batch(name: str, size: int = 4) -> tuple[Tensor, Tensor]:
    """Images of `small_side`, (size, 3, h, w), and labels (size,)."""
    generator = torch.Generator().manual_seed(0)
    side = small_side(name)
    return torch.randn(size, 3, side, side, generator=generator), torch.arange(size)


def count(parameters: Iterable[Tensor]) -> int:
    """Number of entries of all tensors."""
    return sum(parameter.numel() for parameter in parameters)
