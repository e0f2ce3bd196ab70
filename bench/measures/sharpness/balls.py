"""Balls of weight perturbations δ around the weights w: {δ : ‖T⁻¹δ‖ ≤ ρ}, T = |w| if adaptive, else 1.

What AutoPGD needs of one is the direction of a step and the projection onto it; what average-case sharpness needs,
a random draw. Source: Andriushchenko et al. 2023, "A modern look at the relationship between sharpness and
generalization"; Müller et al. 2023, section 5.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Generator, Tensor

_FLOOR = 1e-12
"""Least norm that a gradient is divided by."""
_TOLERANCE = 1e-6
"""How much less than ρ the length of a projected perturbation may be, as a share of ρ."""
_HALVINGS = 200


class Ball(ABC):
    """All perturbations (d,) of at most ρ."""

    def __init__(self, weights: Tensor, rho: float, *, adaptive: bool) -> None:
        self.rho = rho
        self.adaptive = adaptive
        self.scale = weights.abs() if adaptive else torch.ones_like(weights)
        """T (d,). An entry of 0, of a weight that is 0, is never perturbed."""

    @abstractmethod
    def direction(self, gradient: Tensor) -> Tensor:
        """(d,) of a step of size 1 up the gradient."""

    @abstractmethod
    def project(self, delta: Tensor) -> Tensor:
        """The point of the ball that is nearest to δ, by the Euclidean distance."""

    @abstractmethod
    def draw(self, generator: Generator) -> Tensor:
        """A random perturbation, drawn on the CPU so that it is the same on every device."""


class LinfBall(Ball):
    """|δ| ≤ ρT, entry by entry."""

    def direction(self, gradient: Tensor) -> Tensor:
        """sign(g)·T."""
        return gradient.sign() * self.scale

    def project(self, delta: Tensor) -> Tensor:
        """Clamp each entry."""
        limit = self.rho * self.scale
        return delta.clamp(-limit, limit)

    def draw(self, generator: Generator) -> Tensor:
        """ρ·U[−1, 1]·T."""
        uniform = torch.rand(len(self.scale), generator=generator).to(self.scale) * 2 - 1
        return self.rho * uniform * self.scale


class L2Ball(Ball):
    """Σ (δ/T)² ≤ ρ²: a sphere, or if adaptive an ellipsoid."""

    def direction(self, gradient: Tensor) -> Tensor:
        """g·T / ‖g‖₂."""
        return gradient * self.scale / gradient.norm().clamp_min(_FLOOR)

    def project(self, delta: Tensor) -> Tensor:
        """Rescale for a sphere; δT²/(T² + λ) for an ellipsoid, with the λ that brings the length to ρ."""
        length = self._length(delta)
        if length <= self.rho:
            return delta
        return self._shrink(delta) if self.adaptive else delta * (self.rho / length)

    def draw(self, generator: Generator) -> Tensor:
        """ρ·N(0, 1)·T: a Gaussian, of length ρ√d on average."""
        return self.rho * torch.randn(len(self.scale), generator=generator).to(self.scale) * self.scale

    def _length(self, delta: Tensor) -> float:
        """‖T⁻¹δ‖₂."""
        return float(torch.where(self.scale > 0, delta / self.scale, 0.0).norm())

    def _shrink(self, delta: Tensor) -> Tensor:
        """Bisect λ between 0, where δ is too long, and ‖Tδ‖/ρ, where it no longer is."""
        square = self.scale.square()
        low, high = 0.0, float((delta * self.scale).norm()) / self.rho
        shrunk = delta * square / (square + high)
        for _ in range(_HALVINGS):
            if self._length(shrunk) >= (1 - _TOLERANCE) * self.rho:
                break
            middle = (low + high) / 2
            tried = delta * square / (square + middle)
            if self._length(tried) > self.rho:
                low = middle
            else:
                high, shrunk = middle, tried
        return shrunk


BALLS: dict[str, type[Ball]] = {"linf": LinfBall, "l2": L2Ball}
"""By the name of the norm."""
