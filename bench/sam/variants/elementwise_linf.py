"""Elementwise ℓ∞ (Müller et al. 2023, Table 9): ε = ρ · T · sign(g) with T = |w| + η, biases too."""

from __future__ import annotations

import torch
from torch import Tensor

from bench.sam.variants.elementwise_l2 import ElementwiseL2
from bench.sam.variants.variant import joint_norm


class ElementwiseLinf(ElementwiseL2):
    """p = ∞: every entry moves by ρ·T, whatever the size of its gradient."""

    def direction(
        self, names: list[str], weights: list[Tensor], gradients: list[Tensor]
    ) -> tuple[list[Tensor], Tensor]:
        """T·sign(g) per tensor, and ‖g‖₂, which only tells whether there is a gradient."""
        norm = joint_norm(gradients)
        scales = self.scales(names, weights)
        torch._foreach_mul_(scales, torch._foreach_sign(gradients))
        return scales, norm

    def step_size(self, rho: float, norm: Tensor, floor: float) -> Tensor | float:
        """ρ: nothing is normalised."""
        return rho
