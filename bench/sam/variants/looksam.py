"""LookSAM (Liu et al. 2022, algorithm 1): SAM every k steps, and its sharpness direction reused between them.

A SAM step takes g at w and g_s at w + ε and remembers, per tensor, g_v = g_s − (⟨g, g_s⟩/‖g‖²)·g, the part
of g_s that is orthogonal to g (g_v changes slowly). The other steps take one pass and descend along g +
α·(‖g‖/‖g_v‖)·g_v. The weights are restored before the update; the public code updated stale ones.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from bench.sam.context import Context
from bench.sam.variants.sam import Sam


class LookSam(Sam):
    """SAM's ε, every k steps."""

    full_gradient = True
    finishes = True

    def __init__(self, context: Context, *, alpha: float, every: int) -> None:
        super().__init__(context)
        self.alpha, self.every = alpha, every
        self._steps = 0
        self._orthogonal: dict[str, Tensor] = {}
        """g_v by parameter name."""

    def perturbs(self) -> bool:
        """Every k steps, and as long as nothing is remembered."""
        due = self._steps % self.every == 0
        self._steps += 1
        return due or not self._orthogonal

    def finish(self, gradients: dict[str, Tensor]) -> None:
        """Remember g_v in a SAM step; add it in the others."""
        if gradients:
            self._orthogonal = {name: self._split(name, g) for name, g in gradients.items()}
            return
        for name, orthogonal in self._orthogonal.items():
            gradient = self.context.trainable[name].grad
            if gradient is not None:
                gradient.add_(orthogonal * (self.alpha * gradient.norm() / (orthogonal.norm() + 1e-8)))

    def _split(self, name: str, gradient: Tensor) -> Tensor:
        perturbed = self.context.trainable[name].grad
        if perturbed is None:
            return torch.zeros_like(gradient)
        share = (gradient * perturbed).sum() / (gradient * gradient).sum().clamp_min(1e-30)
        return perturbed - share * gradient

    def state_dict(self) -> dict[str, Any]:
        """Place in the cycle, and what is remembered."""
        return {"steps": self._steps, "orthogonal": self._orthogonal}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """See `Variant.load_state_dict`."""
        self._steps = state["steps"]
        trainable = self.context.trainable
        self._orthogonal = {name: v.to(trainable[name].device) for name, v in state["orthogonal"].items()}
