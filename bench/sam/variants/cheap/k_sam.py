"""K-SAM (Ni et al. 2022): both passes on the k samples of a batch whose loss is largest.

A forward pass without gradient, which leaves running statistics alone, gives every sample's loss at w; k =
max(1, int(share·n)), per micro-batch. g and g_p are means over the same k samples, in their order: that pass 2 doesn't
draw them anew is a guess, for only the abstract was read. The loss that a step reports is that of all samples.
"""

from __future__ import annotations

from bench.sam.context import Context
from bench.sam.passes.batches import Batch, TensorBatch
from bench.sam.variants.sam import Sam


class KSam(Sam):
    """SAM on some of the samples."""

    selects_first = True

    def __init__(self, context: Context, *, sample_share: float) -> None:
        super().__init__(context)
        self.sample_share = sample_share

    def first_batch(self, batch: Batch) -> Batch:
        """The samples of largest loss."""
        assert isinstance(batch, TensorBatch), "the step refuses closures for this variant"
        losses = batch.sample_losses()
        kept = max(1, int(self.sample_share * len(losses)))
        return batch.take(losses.topk(kept).indices.sort().values)
