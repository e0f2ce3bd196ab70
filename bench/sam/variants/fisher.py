"""Fisher SAM (Kim et al. 2022; Müller et al. 2023, Table 9): T = (1 + η·g²)^(-1/2).

So ε = ρ · u / (√Σ g·u) with u = T²g = g / (1 + η·g²); g² of the mini-batch stands for the Fisher information.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bench.sam.context import Context
from bench.sam.variants.variant import Variant, joint_norm


class Fisher(Variant):
    """T depends on the gradient."""

    def __init__(self, context: Context, *, eta: float) -> None:
        super().__init__(context)
        self.eta = eta

    def direction(
        self, names: list[str], weights: list[Tensor], gradients: list[Tensor]
    ) -> tuple[list[Tensor], Tensor]:
        """See `Variant.direction`."""
        roots = list(torch._foreach_mul(gradients, gradients))
        torch._foreach_mul_(roots, self.eta)
        torch._foreach_add_(roots, 1.0)
        torch._foreach_sqrt_(roots)
        scaled = list(torch._foreach_div(gradients, roots))
        norm = joint_norm(scaled)
        torch._foreach_div_(scaled, roots)
        return scaled, norm
