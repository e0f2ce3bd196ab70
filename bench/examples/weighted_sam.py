"""Weighted SAM, coupled (Yue et al. 2023): g_p + (α − 1)·(g_p − g) with α = γ/(1 − γ); γ = ½ is SAM."""

from typing import Annotated

import torch
from annotated_types import Gt, Lt
from torch import Tensor

from bench.sam.context import Context
from bench.sam.variants.sam import Sam


class WeightedSam(Sam):
    """SAM whose sharpness is weighted against the loss."""

    full_gradient, finishes, takes_sparse = True, True, False

    def __init__(self, context: Context, *, gamma: Annotated[float, Gt(0), Lt(1), "γ: weight of the sharpness"] = 0.9):
        super().__init__(context)
        self.excess = gamma / (1 - gamma) - 1

    @torch.no_grad()
    def finish(self, gradients: dict[str, Tensor], finite: Tensor) -> None:
        """See `Variant.finish`."""
        for name, g in gradients.items():
            if (final := self.context.trainable[name].grad) is not None:
                torch.where(finite, final + self.excess * (final - g), final, out=final)
