"""Elementwise ℓ2 (Müller et al. 2023, Table 9): ε = ρ · T²g / ‖Tg‖₂ with T = |w| + η, biases too."""

from __future__ import annotations

import torch
from torch import Tensor

from bench.sam.variants.scaled import Scaled


class ElementwiseL2(Scaled):
    """T = |w| + η. With η = 0 an entry that is exactly zero is never perturbed."""

    def scales(self, names: list[str], weights: list[Tensor]) -> list[Tensor]:
        """See `Scaled.scales`."""
        scales = list(torch._foreach_abs(weights))
        torch._foreach_add_(scales, self.eta)
        return scales
