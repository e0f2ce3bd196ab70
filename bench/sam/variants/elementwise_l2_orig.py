"""Elementwise ℓ2 as ASAM published it (Kwon et al. 2021; Müller et al. 2023, Table 9).

T = |w| + η for parameters with "weight" in their name, 1 for all others: biases, and position and class
embeddings. Table 9 prints 1 + η for these; the authors' code and main text use 1, and so do we.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bench.sam.variants.scaled import Scaled


class ElementwiseL2Orig(Scaled):
    """T = |w| + η for weights, 1 for the rest."""

    def scales(self, names: list[str], weights: list[Tensor]) -> list[Tensor]:
        """See `Scaled.scales`."""
        pairs = zip(names, weights, strict=True)
        return [w.abs().add_(self.eta) if "weight" in name else torch.ones_like(w) for name, w in pairs]
