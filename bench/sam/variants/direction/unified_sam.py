"""Unified SAM (Oikonomou and Loizou, ICLR 2025): between a normalised and a plain step.

ε = ρ·(1 − λ + λ/‖g‖)·g: λ = 1 is SAM, λ = 0 leaves g as long as it is (USAM). `schedule: rising` has λ = 1 − 1/t and
`falling` 1/t at step t = 1, 2, … of the run, steps without perturbation or update included.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bench.sam.context import Context
from bench.sam.variants.sam import Sam


class UnifiedSam(Sam):
    """SAM's ε, more or less normalised."""

    floor = 1e-12

    def __init__(self, context: Context, *, share: float, schedule: str) -> None:
        super().__init__(context)
        self.share, self.schedule = share, schedule

    def step_size(self, rho: float, norm: Tensor, floor: float) -> Tensor | float:
        """See `Variant.step_size`."""
        normalised = self._normalised()
        return rho * (1 - normalised + torch.full_like(norm, normalised) / (norm + floor))

    def _normalised(self) -> float:
        step = self.context.clock.step + 1
        return {"constant": self.share, "rising": 1 - 1 / step, "falling": 1 / step}[self.schedule]
