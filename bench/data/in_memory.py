"""Images in memory, on the training device: no workers, copies or waiting between batches."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Generator, Tensor

from bench.data.split import WHOLE, Augmentation, Batches, EpochShare, Split
from bench.data.transfer import transfer
from bench.seeds import derive

CHUNK = 2560
"""Images that are augmented at once: AutoAugment groups them by what it does to them, which pays in large chunks."""


@dataclass(frozen=True)
class InMemory(Split):
    """Images (n, channels, height, width) as uint8 and labels (n,) as int64."""

    images: Tensor
    labels: Tensor

    def to(self, device: torch.device) -> InMemory:
        """See `Split.to`."""
        return InMemory(self.images.to(device), self.labels.to(device))

    def subset(self, indices: Tensor) -> InMemory:
        """See `Split.subset`."""
        return InMemory(self.images[indices], self.labels[indices])

    def relabelled(self, labels: Tensor) -> InMemory:
        """See `Split.relabelled`."""
        return replace(self, labels=labels)

    def batches(
        self, order: Tensor, size: int, augmentation: Augmentation | None = None, part: EpochShare = WHOLE
    ) -> Batches:
        """See `Split.batches`."""
        per_chunk = max(1, CHUNK // size)
        first, begun = divmod(part.skip, per_chunk)
        for number, chunk in enumerate(transfer(order, self.labels.device).split(per_chunk * size)):
            if number < first:
                continue
            # By index_select, which copies an image at once; indexing goes from pixel to pixel.
            images, labels = self.images.index_select(0, chunk), self.labels[chunk]
            if augmentation:
                # Of whole chunks and with a seed of its own, so that a run may go on from any batch.
                generator = Generator().manual_seed(derive(augmentation.seed, "chunk", number))
                images = augmentation.augment(images, generator, flip=augmentation.flip)
            batches = list(zip(images.split(size), labels.split(size), strict=True))
            for batch, targets in batches[begun if number == first else 0 :]:
                yield part.of(batch, size), part.of(targets, size)
