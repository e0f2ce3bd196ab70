"""Images in memory, on the device that trains: no worker, no copy and no waiting between batches."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Generator, Tensor

from bench.data.split import Augmentation, Batches, Split

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

    def batches(self, order: Tensor, size: int, augmentation: Augmentation | None = None) -> Batches:
        """See `Split.batches`."""
        order = order.to(self.labels.device)
        generator = Generator().manual_seed(augmentation.seed) if augmentation else None
        for chunk in order.split(max(size, CHUNK // size * size)):
            images, labels = self.images[chunk], self.labels[chunk]
            if augmentation and generator:
                images = augmentation.augment(images, generator, flip=augmentation.flip)
            yield from zip(images.split(size), labels.split(size), strict=True)
