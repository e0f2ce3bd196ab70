"""What variants with an explicit T share: ε = ρ · T²g / ‖Tg‖₂ (Müller et al. 2023, Table 9)."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor

from bench.sam.context import Context
from bench.sam.variants.variant import Variant, joint_norm


class Scaled(Variant):
    """A variant whose T depends on the weights only."""

    def __init__(self, context: Context, *, eta: float) -> None:
        super().__init__(context)
        self.eta = eta

    @abstractmethod
    def scales(self, names: list[str], weights: list[Tensor]) -> list[Tensor]:
        """T per tensor, of its shape or a scalar."""

    def direction(
        self, names: list[str], weights: list[Tensor], gradients: list[Tensor]
    ) -> tuple[list[Tensor], Tensor]:
        """See `Variant.direction`."""
        scales = self.scales(names, weights)
        scaled = list(torch._foreach_mul(gradients, scales))
        norm = joint_norm(scaled)
        torch._foreach_mul_(scaled, scales)
        return scaled, norm
