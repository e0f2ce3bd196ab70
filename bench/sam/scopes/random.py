"""A fixed random set of entries (Müller et al. 2023, section 5.1): is it sparsity alone that helps SAM-ON?

By default as many entries as `only_norm` perturbs in the same model. The norm of ε is ρ: it is normalised
over the set.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bench.sam.context import Context
from bench.sam.norms import norm_parameters
from bench.sam.scopes.masked import Masked
from bench.seeds import derive


class Random(Masked):
    """Entries drawn once, by the seed of the run."""

    def __init__(self, context: Context, *, sparsity: float | str, mask_seed: int) -> None:
        super().__init__(context)
        # Counted, because as a share it might round to one entry more or less.
        live = self.live_at(sparsity) if isinstance(sparsity, float) else _entries_of_only_norm(context)
        if not live:
            raise ValueError(f"scope random: this sparsity leaves none of {self.total} entries; choose a lower one")
        # From the run's seed: what the choice of a mask does to a result belongs to its spread over seeds.
        self.randomly(torch.Generator().manual_seed(derive(context.seed, "mask", mask_seed)), live)
        self._drop_empty()

    def refresh(self) -> None:
        """See `Masked.refresh`."""
        super().refresh()
        self._drop_empty()

    def restrict_gradient(self, names: list[str], gradients: list[Tensor]) -> list[Tensor]:
        """See `Scope.restrict_gradient`."""
        return self.masked(names, gradients)

    def restrict_perturbation(self, names: list[str], perturbation: list[Tensor]) -> list[Tensor]:
        """See `Scope.restrict_perturbation`: a variant may make something of a gradient of zero."""
        return self.masked(names, perturbation)

    def _drop_empty(self) -> None:
        # Tensors without a live entry are as good as out of scope: no gradient and no copy of them is taken.
        self.masks = {name: mask for name, mask in self.masks.items() if name not in self.empty}
        self.tensors = {name: tensor for name, tensor in self.tensors.items() if name not in self.empty}


def _entries_of_only_norm(context: Context) -> int:
    norm = norm_parameters(context.model, context.norm_rule)
    trainable = context.trainable
    kept = sum(trainable[name].numel() for name in norm if name in trainable)
    if not kept:
        raise ValueError(
            f"scope random: {type(context.model).__name__} has no trainable normalization layer to take the "
            "sparsity from; give sparsity a number"
        )
    return kept
