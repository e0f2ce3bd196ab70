"""ESAM (Du et al. 2022): perturb a random subset of tensors, and descend on the sharpest samples only.

Each tensor of the scope is in S with probability β, drawn for every step; ε = (ρ/β)·g_S/‖g_S‖ lives on S.
One more forward pass without gradient gives each sample's d = l(w+ε) − l(w); the int(γ·n) samples with the
largest d, at least one, enter pass 2.

That forward pass leaves running statistics alone: they move as in every other variant, by pass 1 and pass 2.
Samples keep their order. If S is empty or its gradient zero, the step is the base optimizer's on all
samples.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from bench.sam.context import Context
from bench.sam.passes.batches import Batch, TensorBatch
from bench.sam.variants.sam import Sam


class Esam(Sam):
    """SAM's ε on a random subset of tensors."""

    floor = 1e-7
    selects_samples = True

    def __init__(self, context: Context, *, tensor_share: float, sample_share: float) -> None:
        super().__init__(context)
        self.tensor_share, self.sample_share = tensor_share, sample_share
        self._generator = torch.Generator().manual_seed(context.seed)

    def radius(self, rho: float) -> float:
        """ρ/β makes up for the tensors that are left out."""
        return rho / self.tensor_share

    def choose(self, tensors: dict[str, nn.Parameter]) -> dict[str, nn.Parameter]:
        """A new S."""
        draws = torch.rand(len(tensors), generator=self._generator).tolist()
        pairs = zip(tensors.items(), draws, strict=True)
        return {name: tensor for (name, tensor), draw in pairs if draw < self.tensor_share}

    def second_batch(self, batch: Batch) -> Batch:
        """The samples whose loss rose most."""
        assert isinstance(batch, TensorBatch), "the step refuses closures for this variant"
        before = batch.sample_losses()
        after = batch.take(slice(None))
        with torch.no_grad():
            after.loss()
        kept = max(1, int(self.sample_share * len(before)))
        rise = after.sample_losses() - before
        return batch.take(rise.topk(kept).indices.sort().values)

    def state_dict(self) -> dict[str, Any]:
        """The generator."""
        return {"generator": self._generator.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """See `Variant.load_state_dict`."""
        self._generator.set_state(state["generator"].cpu())
