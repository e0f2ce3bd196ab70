"""VaSSO (Li and Giannakis, NeurIPS 2023): perturb along a moving average of the gradient, which varies less than g.

    d ← (1−θ)d + θg,  ε = ρ·d/‖d‖ with the new d;  d ← g at the first step.

θ = 1 is SAM. A micro-batch j perturbs along (1−θ)d + θg_j, and d takes in the gradient averaged over micro-batches and
processes once a step, which is our guess.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from bench.sam.context import Context
from bench.sam.variants.memory import GradientMemory
from bench.sam.variants.variant import Variant, joint_norm


class Vasso(Variant):
    """SAM's ε along an average."""

    floor = 1e-7
    scope_gradient = True
    finishes = True

    def __init__(self, context: Context, *, theta: float) -> None:
        super().__init__(context)
        self.theta = theta
        self._memory = GradientMemory(context)

    def direction(
        self, names: list[str], weights: list[Tensor], gradients: list[Tensor]
    ) -> tuple[list[Tensor], Tensor]:
        """See `Variant.direction`."""
        found = self._memory.averaged(names, gradients, self.theta)
        return found, joint_norm(found)

    @torch.no_grad()
    def finish(self, gradients: dict[str, Tensor], finite: Tensor) -> None:
        """Renew d."""
        if gradients:
            self._memory.keep(gradients, finite, self.theta)

    def state_dict(self) -> dict[str, Any]:
        """d."""
        return self._memory.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """See `Variant.load_state_dict`."""
        self._memory.load_state_dict(state)
