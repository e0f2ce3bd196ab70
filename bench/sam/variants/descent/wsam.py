"""Weighted SAM (Yue et al., KDD 2023): sharpness as a term of its own, weighted by α = γ/(1−γ).

Decoupled, as the paper recommends, the base optimizer steps along g, and afterwards w ← w − lr·α·(g_p − g) for every
trainable tensor, at its group's learning rate; momentum and weight decay see g only. Otherwise the base optimizer steps
along α·g_p + (1−α)·g, of which γ = 1/2 is SAM. "Penalizing gradient norm" (ICML 2022) is that form with γ = 4/9.

Where gradients are clipped, g and g_p are clipped each to the limit, as the authors do; the coupled form clips the mix.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bench.sam.context import Context
from bench.sam.variants.sam import Sam
from bench.sam.variants.variant import joint_norm


class WSam(Sam):
    """SAM's ε, two gradients in one step."""

    floor = 1e-12
    full_gradient = True
    takes_sparse = False
    finishes = True

    def __init__(self, context: Context, *, gamma: float, decouple: bool) -> None:
        super().__init__(context)
        self.alpha, self.decouple = gamma / (1 - gamma), decouple
        self._rise: dict[str, Tensor] = {}
        """g_p − g of this step."""

    @torch.no_grad()
    def finish(self, gradients: dict[str, Tensor], finite: Tensor) -> None:
        """Leave the base optimizer what it steps along; a gradient at w that isn't finite is left out."""
        finals = self.finals()
        names = [name for name in gradients if name in finals]
        at_w, perturbed = [gradients[name] for name in names], [finals[name] for name in names]
        if not names:
            return
        if self.decouple:
            rises = torch._foreach_sub(self._clipped(perturbed), self._clipped(at_w))
            self._rise = {name: torch.where(finite, rise, 0) for name, rise in zip(names, rises, strict=True)}
            mixed: list[Tensor] = at_w
        else:
            mixed = list(torch._foreach_mul(perturbed, self.alpha))
            torch._foreach_add_(mixed, at_w, alpha=1 - self.alpha)
        for final, mix in zip(perturbed, mixed, strict=True):
            torch.where(finite, mix, final, out=final)

    @torch.no_grad()
    def after_update(self, updated: Tensor) -> None:
        """Descend along the sharpness too."""
        rises, self._rise = self._rise, {}
        parameters = [self.context.trainable[name] for name in rises]
        rates = self.context.base.rates(parameters)
        for parameter, rise, rate in zip(parameters, rises.values(), rates, strict=True):
            parameter.sub_(torch.where(updated, rise, 0) * (rate * self.alpha))

    def _clipped(self, gradients: list[Tensor]) -> list[Tensor]:
        limit = self.context.max_grad_norm
        if limit is None:
            return gradients
        # As torch's own clipping, whose floor this is.
        scale = (limit / (joint_norm(gradients) + 1e-6)).clamp(max=1.0)
        return list(torch._foreach_mul(gradients, scale))
