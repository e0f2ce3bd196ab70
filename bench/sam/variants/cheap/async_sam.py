"""AsyncSAM (Jo et al. 2025): perturb along the gradient of the step before, which other hardware computes meanwhile.

ε_t = ρ·h/‖h‖ with h from step t − 1; at the first step there is none. `ascent: recycled` takes as h the last step's
final gradient, at one pass a step: our guess at what a single device can do, and reported not to converge on a toy
quadratic. `computed` is the published form on one device: h is the gradient at w_{t−1} of batch t − 1, two passes. Over
micro-batches and processes h is averaged in both, so that a run doesn't depend on how many there are. The source was
read second hand.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from bench.sam.context import Context
from bench.sam.variants.memory import GradientMemory
from bench.sam.variants.variant import Variant, joint_norm


class AsyncSam(Variant):
    """SAM's formula with h for g."""

    floor = 1e-12
    finishes = True

    def __init__(self, context: Context, *, ascent: str) -> None:
        super().__init__(context)
        self.ascends = self.scope_gradient = ascent == "computed"
        self._memory = GradientMemory(context)

    def perturbs(self) -> bool:
        """As soon as there was a step."""
        return bool(self._memory)

    def recall(self, tensors: dict[str, nn.Parameter]) -> dict[str, Tensor]:
        """See `Variant.recall`."""
        names = [name for name in tensors if name in self._memory]
        return dict(zip(names, self._memory.recall(names, [tensors[name] for name in names]), strict=True))

    def direction(
        self, names: list[str], weights: list[Tensor], gradients: list[Tensor]
    ) -> tuple[list[Tensor], Tensor]:
        """h, whatever this batch's gradient is."""
        found = self._memory.recall(names, gradients)
        return found, joint_norm(found)

    @torch.no_grad()
    def finish(self, gradients: dict[str, Tensor], finite: Tensor) -> None:
        """Remember h; of a step without perturbation its only gradient."""
        self._memory.keep(gradients or self.in_scope(self.finals()), finite)

    def state_dict(self) -> dict[str, Any]:
        """h."""
        return self._memory.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """See `Variant.load_state_dict`."""
        self._memory.load_state_dict(state)
