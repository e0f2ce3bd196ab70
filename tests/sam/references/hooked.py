"""Hooked: what the references of later methods share, a step with every place where one of them differs."""

from __future__ import annotations

import torch
from torch import Tensor

from tests.sam.references.reference import Named, Reference, norm_of

Masks = Named | None


class Further(Reference):
    """A SAM step with places to change."""

    total = 3
    """Steps of the run."""
    before: Masks = None
    after: Masks = None
    start: Named

    def step(self, x: Tensor, y: Tensor, *, before: Masks = None, after: Masks = None, m: int | None = None) -> None:
        self.steps += 1
        self.before, self.after = before, after
        self.start = {n: p.detach().clone() for n, p in self.model.named_parameters()}
        parts = list(zip(x.split(m or len(x)), y.split(m or len(x)), strict=True))
        if not self.perturbs():
            self.update(self.finished({}, mean([self.gradients(*part) for part in parts])))
            return
        pairs = [self.passes(place, *part) for place, part in enumerate(parts)]
        self.update(self.finished(mean([g for g, _ in pairs]), mean([g_p for _, g_p in pairs])))

    def passes(self, place: int, x: Tensor, y: Tensor) -> tuple[Named, Named]:
        g = self.gradients(x, y)
        return g, self.at(self.limited(self.ascent(self.inside(g))), x, y)

    def at(self, epsilon: Named, x: Tensor, y: Tensor, *, first: bool = False) -> Named:
        """The gradient at w + ε; w is put back."""
        with torch.no_grad():
            for n, p in self.model.named_parameters():
                p.add_(epsilon.get(n, torch.zeros_like(p)))
        g = self.gradients(x, y) if first else self.second(x, y)
        with torch.no_grad():
            for n, p in self.model.named_parameters():
                p.copy_(self.start[n])
        return g

    def inside(self, g: Named) -> Named:
        """The part of g that is in scope."""
        inside = {n: g[n].clone() for n in self.names if n in g}
        return {n: v * (1 if self.before is None else self.before.get(n, torch.zeros(()))) for n, v in inside.items()}

    def limited(self, epsilon: Named) -> Named:
        """ε, which a mask sets to zero outside of itself."""
        masks = self.after if self.after is not None else self.before
        return epsilon if masks is None else {n: e * masks.get(n, torch.zeros(())) for n, e in epsilon.items()}

    def unit(self, d: Named, floor: float, length: Tensor | None = None) -> Named:
        """ρ·d/‖d‖, or nothing if that norm is zero."""
        length = norm_of(d) if length is None else length
        if not length:
            return {}
        return {n: self.rho * v / (length + (floor if self.after is None else 1e-7)) for n, v in d.items()}

    def perturbs(self) -> bool:
        return True

    def ascent(self, g: Named) -> Named:
        return self.unit(g, 1e-16)

    def finished(self, g: Named, g_p: Named) -> Named:
        return g_p


def mean(parts: list[Named]) -> Named:
    return {n: sum(part[n] for part in parts) / len(parts) for n in parts[0]}
