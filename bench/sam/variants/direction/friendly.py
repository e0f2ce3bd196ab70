"""F-SAM (Li et al., CVPR 2024): perturb along the batch's own noise, g less what all batches have in common.

    d = g − σ·m,  ε = ρ·d/‖d‖,  then m ← λm + (1−λ)g;  m ← g at the first step, which is SAM's.

As in the authors' code d is taken before m is renewed; the paper is reported to renew it first. σ = 0 is SAM. Every
micro-batch uses the old m, which takes in the gradient averaged over micro-batches and processes: our guess, and the
code's for one micro-batch on one process. The authors don't save m.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from bench.sam.context import Context
from bench.sam.variants.memory import GradientMemory
from bench.sam.variants.variant import Variant, joint_norm


class Friendly(Variant):
    """SAM's ε along g − σ·m."""

    floor = 1e-12
    scope_gradient = True
    finishes = True

    def __init__(self, context: Context, *, sigma: float, decay: float) -> None:
        super().__init__(context)
        self.sigma, self.decay = sigma, decay
        self._memory = GradientMemory(context)

    def direction(
        self, names: list[str], weights: list[Tensor], gradients: list[Tensor]
    ) -> tuple[list[Tensor], Tensor]:
        """See `Variant.direction`."""
        found = list(torch._foreach_sub(gradients, self._memory.recall(names, gradients), alpha=self.sigma))
        return found, joint_norm(found)

    @torch.no_grad()
    def finish(self, gradients: dict[str, Tensor], finite: Tensor) -> None:
        """Renew m."""
        if gradients:
            self._memory.keep(gradients, finite, 1 - self.decay)

    def state_dict(self) -> dict[str, Any]:
        """m."""
        return self._memory.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """See `Variant.load_state_dict`."""
        self._memory.load_state_dict(state)
