"""What a variant or a scope may look at when it is built."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn
from torch.optim import Optimizer


@dataclass(frozen=True, kw_only=True)
class Context:
    """The training run that a variant or scope is part of."""

    model: nn.Module
    """The network itself, without the wrappers of DDP or torch.compile."""
    optimizer: Optimizer
    """The base optimizer."""
    trainable: dict[str, nn.Parameter]
    """Parameters that require a gradient, by name."""
    norm_rule: str
    """How normalization layers are recognised: a key of NORM_RULES."""
    stages: tuple[int, ...]
    """Stages that the scope is limited to; none: the whole network."""
    seed: int
    """Seed of the random choices of variant and scope."""
