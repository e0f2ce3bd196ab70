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
    takes_sparse = False
    finishes = True

    def __init__(self, context: Context, *, alpha: float, every: int) -> None:
        super().__init__(context)
        self.alpha, self.every = alpha, every
        self._steps = 0
        self._orthogonal: dict[str, Tensor] = {}
        """g_v by parameter name; zero until a SAM step had finite gradients."""
        self._known = False
        self._found: Tensor | None = None
        """Whether a SAM step so far had finite gradients, as the device knows it."""

    def perturbs(self) -> bool:
        """Every k steps, and as long as nothing is remembered."""
        due = self._steps % self.every == 0
        self._steps += 1
        return due or not self._remembers()

    @torch.no_grad()
    def finish(self, gradients: dict[str, Tensor], finite: Tensor) -> None:
        """Remember g_v in a SAM step; add it in the others."""
        if gradients:
            self._orthogonal = {name: self._remembered(name, g, finite) for name, g in gradients.items()}
            self._found = finite if self._found is None else self._found.logical_or(finite)
            return
        for name, orthogonal in self._orthogonal.items():
            gradient = self._gradient(name)
            if gradient is not None:
                gradient.add_(orthogonal * (self.alpha * gradient.norm() / (orthogonal.norm() + 1e-8)))

    def _remembers(self) -> bool:
        """Whether there is a g_v; waits for the device until there is one, and never again."""
        if not self._known and self._found is not None:
            self._known = bool(self._found)
        return self._known

    def _remembered(self, name: str, gradient: Tensor, finite: Tensor) -> Tensor:
        found, before = self._split(name, gradient), self._orthogonal.get(name)
        return torch.where(finite, found, torch.zeros_like(found) if before is None else before)

    def _gradient(self, name: str) -> Tensor | None:
        parameter = self.context.trainable.get(name)
        return None if parameter is None else parameter.grad

    def _split(self, name: str, gradient: Tensor) -> Tensor:
        perturbed = self._gradient(name)
        if perturbed is None:
            return torch.zeros_like(gradient)
        share = (gradient * perturbed).sum() / (gradient * gradient).sum().clamp_min(1e-30)
        return perturbed - share * gradient

    def state_dict(self) -> dict[str, Any]:
        """Place in the cycle, and what is remembered."""
        return {"steps": self._steps, "orthogonal": self._orthogonal if self._remembers() else {}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """See `Variant.load_state_dict`."""
        self._steps = state["steps"]
        held = self.context.held
        self._orthogonal = {name: v.to(held[name].device) for name, v in state["orthogonal"].items()}
        self._known, self._found = bool(self._orthogonal), None
