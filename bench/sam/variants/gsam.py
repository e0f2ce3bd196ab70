"""GSAM (Zhuang et al. 2022, algorithm 1): descend along g_p − α·g⊥.

g_p is the gradient at w + ε and g⊥ = g − (⟨g, g_p⟩/‖g_p‖²)·g_p the part of g that is orthogonal to it:
moving along −g⊥ raises the loss at w but leaves that at w + ε, which narrows the gap. All trainable tensors
count as one vector, whatever the scope. ρ follows the learning rate: ρ_t = ρ_min + (ρ − ρ_min)·(lr −
lr_min)/(lr_max − lr_min), held within [ρ_min, ρ]: a warm-up or a schedule that ends below lr_min would take it out.

Over micro-batches and processes g and g_p are averaged first; the authors split each process's own gradient.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from bench.sam.context import Context
from bench.sam.variants.sam import Sam


class Gsam(Sam):
    """SAM's ε, another descent direction."""

    floor = 1e-12
    full_gradient = True
    takes_sparse = False
    finishes = True

    def __init__(self, context: Context, *, alpha: float, rho_min: float, lr_min: float) -> None:
        super().__init__(context)
        self.alpha, self.rho_min, self.lr_min = alpha, rho_min, lr_min
        group = context.optimizer.param_groups[0]
        # Schedulers of torch note the rate they start from; without one the rate at construction is the
        # highest.
        self.lr_max = float(group.get("initial_lr", group["lr"]))
        if self.lr_max < lr_min:
            raise ValueError(f"lr_min = {lr_min} of gsam is above the highest learning rate, {self.lr_max}")

    def radius(self, rho: float) -> float:
        """ρ_t; ρ itself if the learning rate has no range. ValueError if ρ_min is above ρ."""
        if self.rho_min > rho:
            raise ValueError(f"rho_min = {self.rho_min} of gsam is above rho = {rho}")
        span = self.lr_max - self.lr_min
        if span == 0:
            return rho
        rate = float(self.context.optimizer.param_groups[0]["lr"])
        self.out_of_range = not self.lr_min <= rate <= self.lr_max
        return self.rho_min + (rho - self.rho_min) * (min(max(rate, self.lr_min), self.lr_max) - self.lr_min) / span

    @torch.no_grad()
    def finish(self, gradients: dict[str, Tensor], finite: Tensor) -> None:
        """g_p ← g_p − α·(g − c·g_p) = (1 + α·c)·g_p − α·g with c = ⟨g, g_p⟩/‖g_p‖²."""
        found = ((g, self.context.trainable[name].grad) for name, g in gradients.items())
        pairs = [(g, perturbed) for g, perturbed in found if perturbed is not None]
        if not pairs:
            return
        at_w, at_perturbed = [g for g, _ in pairs], [perturbed for _, perturbed in pairs]
        share = _dot(at_w, at_perturbed) / _dot(at_perturbed, at_perturbed).clamp_min(1e-30)
        changed = torch._foreach_mul(at_perturbed, 1 + self.alpha * share)
        torch._foreach_add_(changed, at_w, alpha=-self.alpha)
        for perturbed, final in zip(at_perturbed, changed, strict=True):
            torch.where(finite, final, perturbed, out=perturbed)

    def state_dict(self) -> dict[str, Any]:
        """The highest learning rate, which the optimizer has forgotten after a resume."""
        return {"lr_max": self.lr_max}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """See `Variant.load_state_dict`."""
        self.lr_max = state["lr_max"]


def _dot(left: list[Tensor], right: list[Tensor]) -> Tensor:
    return torch.stack([product.sum() for product in torch._foreach_mul(left, right)]).sum()
