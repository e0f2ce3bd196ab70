"""SAM (Foret et al. 2021, equation 2): ε = ρ · g / ‖g‖₂."""

from __future__ import annotations

from torch import Tensor

from bench.sam.variants.variant import Variant, joint_norm


class Sam(Variant):
    """T = 1."""

    takes_sparse = True

    def direction(
        self, names: list[str], weights: list[Tensor], gradients: list[Tensor]
    ) -> tuple[list[Tensor], Tensor]:
        """See `Variant.direction`."""
        return gradients, joint_norm(gradients)
