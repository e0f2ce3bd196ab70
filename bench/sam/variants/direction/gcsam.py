"""GCSAM (Hassan et al. 2025): ε = ρ·c(g)/‖g‖ with c(g) = g − its mean over all dimensions but the first.

Tensors of one dimension aren't centred, so that on norm layers it is SAM. The norm is that of the uncentred g, and the
gradient at w + ε isn't centred, as in the authors' code. `form: paper` is what the paper is reported to say: the norm
of c(g), and the final gradient centred as well. Under a mask of entries those that it leaves out count as zeros in
the mean, and ε is zero there.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bench.sam.context import Context
from bench.sam.variants.variant import Variant, joint_norm


class GcSam(Variant):
    """SAM along the centred gradient."""

    floor = 1e-12

    def __init__(self, context: Context, *, form: str) -> None:
        super().__init__(context)
        self.finishes = form == "paper"

    def direction(
        self, names: list[str], weights: list[Tensor], gradients: list[Tensor]
    ) -> tuple[list[Tensor], Tensor]:
        """See `Variant.direction`."""
        found = [_centred(gradient) for gradient in gradients]
        return found, joint_norm(found if self.finishes else gradients)

    @torch.no_grad()
    def finish(self, gradients: dict[str, Tensor], finite: Tensor) -> None:
        """Centre the final gradient; what isn't finite stays so."""
        for parameter in self.context.trainable.values():
            if parameter.grad is not None and parameter.dim() > 1:
                parameter.grad.sub_(_mean(parameter.grad))


def _centred(gradient: Tensor) -> Tensor:
    return gradient - _mean(gradient) if gradient.dim() > 1 else gradient


def _mean(gradient: Tensor) -> Tensor:
    return gradient.mean(dim=tuple(range(1, gradient.dim())), keepdim=True)
