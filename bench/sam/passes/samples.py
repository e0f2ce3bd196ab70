"""Training samples for scopes that measure the loss themselves, such as SSAM-F's Fisher information."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

Samples = tuple[Tensor, Tensor] | Callable[[], tuple[Tensor, Tensor]]
"""(inputs, targets) of n training samples, or a callable that gives them when they are needed."""


def draw(samples: Samples) -> tuple[Tensor, Tensor]:
    """(n, …) inputs and (n,) targets."""
    return samples() if callable(samples) else samples
