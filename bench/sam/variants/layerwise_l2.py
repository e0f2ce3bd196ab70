"""Layerwise ℓ2 (Müller et al. 2023, Table 9): T is the norm of the tensor that an entry belongs to.

γ and β of one norm layer are two tensors. The authors' code has (1 + η)·‖tensor‖₂, which is the same at the paper's
η = 0; added, η lets a tensor of zeros move.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bench.sam.variants.scaled import Scaled


class LayerwiseL2(Scaled):
    """T = ‖tensor‖₂ + η, a scalar for each tensor."""

    def scales(self, names: list[str], weights: list[Tensor]) -> list[Tensor]:
        """See `Scaled.scales`."""
        scales = list(torch._foreach_norm(weights))
        torch._foreach_add_(scales, self.eta)
        return scales
