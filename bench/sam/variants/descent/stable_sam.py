"""Stable SAM (Tan et al., JMLR 2025): the final gradient is as long as the one at w: g_p·‖g‖/‖g_p‖.

ε is SAM's, or ρ·g itself if not `normalised`, which is reported to be the paper's main form. Norms are over all
trainable tensors whatever the scope, which is our guess; `norm_over: scope` takes them over the scope, which needs no
other gradient at w. Weight decay isn't rescaled.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bench.sam.context import Context
from bench.sam.variants.sam import Sam
from bench.sam.variants.variant import joint_norm


class StableSam(Sam):
    """SAM's ε, a final gradient of another length."""

    floor = 1e-12
    takes_sparse = False
    finishes = True

    def __init__(self, context: Context, *, normalised: bool, norm_over: str) -> None:
        super().__init__(context)
        self.normalised = normalised
        self.full_gradient, self.scope_gradient = norm_over == "all", norm_over == "scope"

    def step_size(self, rho: float, norm: Tensor, floor: float) -> Tensor | float:
        """See `Variant.step_size`."""
        return super().step_size(rho, norm, floor) if self.normalised else rho

    @torch.no_grad()
    def finish(self, gradients: dict[str, Tensor], finite: Tensor) -> None:
        """g_p·‖g‖/‖g_p‖; a step without perturbation keeps its gradient."""
        finals = self.finals()
        if not gradients or not finals:
            return
        measured = finals if self.full_gradient else self.in_scope(finals)
        scale = joint_norm(gradients.values()) / (joint_norm(measured.values()) + self.floor)
        torch._foreach_mul_(list(finals.values()), torch.where(finite, scale, 1))
