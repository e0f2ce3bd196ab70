"""Schedule-Free SGD and AdamW (Defazio et al. 2024), of the authors' package `schedulefree`.

The model holds y while it trains, and x, an average over the steps, where it is evaluated: `evaluated` changes between
them. The paper's schedule is a warm-up and then a constant rate: `lr_schedule: constant`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch.optim import Optimizer


def sgd(groups: list[dict[str, Any]], *, lr: float, momentum: float) -> Optimizer:
    """Schedule-Free SGD, ready to train."""
    from schedulefree import SGDScheduleFree

    return _ready(SGDScheduleFree(groups, lr=lr, momentum=momentum))


def adamw(groups: list[dict[str, Any]], *, lr: float, beta1: float, beta2: float, eps: float) -> Optimizer:
    """Schedule-Free AdamW, ready to train."""
    from schedulefree import AdamWScheduleFree

    return _ready(AdamWScheduleFree(groups, lr=lr, betas=(beta1, beta2), eps=eps))


def _ready(optimizer: Any) -> Optimizer:
    optimizer.train()
    ready: Optimizer = optimizer
    return ready


@contextmanager
def evaluated(optimizer: Optimizer) -> Iterator[None]:
    """The weights that are evaluated, of an optimizer that trains others; and again those that it trains."""
    to_evaluate(optimizer)
    try:
        yield
    finally:
        if has_modes(optimizer):
            optimizer.train()  # type: ignore[attr-defined]


def to_evaluate(optimizer: Optimizer) -> None:
    """Leave the weights that are evaluated in the model."""
    if has_modes(optimizer):
        optimizer.eval()  # type: ignore[attr-defined]


def has_modes(optimizer: Optimizer) -> bool:
    """Whether it trains other weights than are evaluated."""
    return callable(getattr(optimizer, "eval", None)) and callable(getattr(optimizer, "train", None))
