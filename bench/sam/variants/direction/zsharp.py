"""ZSharp (Yun 2025): perturb along the entries of a matrix whose gradients stand out of it.

Per tensor of two or more dimensions z = (g − mean)/(std + 1e-12); f keeps the entries of g whose |z| is above its
`quantile`, and ε = ρ·f/‖f‖ with this tensor's own norm, as in the author's code: ‖ε‖ is about ρ·√(number of matrices).
`norm_over: all` is what the paper is reported to say, one norm over all that is kept. Other tensors, and those of
which nothing is kept, move by ρ·g/‖g‖ with the norm over the scope, so that on norm layers it is SAM. A matrix of one
entry has no std and counts among them. Entries that a mask leaves out count as zeros in mean, std and quantile.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from bench.sam.context import Context
from bench.sam.variants.variant import Variant, joint_norm


class ZSharp(Variant):
    """SAM along what stands out."""

    floor = 1e-12

    def __init__(self, context: Context, *, quantile: float, norm_over: str) -> None:
        super().__init__(context)
        self.quantile, self.jointly = quantile, norm_over == "all"

    def direction(
        self, names: list[str], weights: list[Tensor], gradients: list[Tensor]
    ) -> tuple[list[Tensor], Tensor]:
        """ε/ρ per tensor and ‖g‖₂; with one norm over all f itself and its norm."""
        kept = [outstanding(g, self.quantile) if _is_matrix(g) else g for g in gradients]
        if self.jointly:
            return kept, joint_norm(kept)
        norm = joint_norm(gradients)
        return [self._normalised(f, g, norm) for f, g in zip(kept, gradients, strict=True)], norm

    def step_size(self, rho: float, norm: Tensor, floor: float) -> Tensor | float:
        """ρ, unless the norm is one over all."""
        return super().step_size(rho, norm, floor) if self.jointly else rho

    def _normalised(self, kept: Tensor, gradient: Tensor, norm: Tensor) -> Tensor:
        whole = gradient / (norm + self.floor)
        if not _is_matrix(gradient):
            return whole
        own = kept.norm()
        return torch.where(own > 0, kept / (own + self.floor), whole)


def outstanding(gradient: Tensor, quantile: float) -> Tensor:
    """The entries whose |z| is above its quantile, zeros elsewhere."""
    z = ((gradient - gradient.mean()) / (gradient.std() + 1e-12)).abs()
    return torch.where(z > _quantile(z.flatten(), quantile), gradient, 0)


def _quantile(values: Tensor, share: float) -> Tensor:
    """Between the two order statistics next to it, linearly; `torch.quantile` refuses more than 16 million values."""
    place = share * (len(values) - 1)
    below = math.floor(place)
    low = values.kthvalue(below + 1).values
    high = values.kthvalue(min(below + 2, len(values))).values
    return torch.lerp(low, high, place - below)


def _is_matrix(gradient: Tensor) -> bool:
    return gradient.dim() > 1 and gradient.numel() > 1
