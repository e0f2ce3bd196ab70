"""Splits: a data set in memory, as small as it comes from disk, and the batches that models see."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from bench.seeds import derive


@dataclass(frozen=True)
class Split:
    """Images (n, channels, height, width) as uint8 and labels (n,) as int64."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: torch.device) -> Split:
        return Split(self.images.to(device), self.labels.to(device))


@dataclass(frozen=True, kw_only=True)
class Splits:
    """What a model trains on, what ρ is chosen on, and what is reported."""

    train: Split
    validation: Split | None
    """None where a data set has no validation split of its own."""
    test: Split
    scale: float
    """Largest pixel value: images divided by it lie in [0, 1]."""
    mean: tuple[float, ...]
    """Per channel, of the training images in [0, 1]."""
    std: tuple[float, ...]
    """Per channel, of the training images in [0, 1]."""

    def to(self, device: torch.device) -> Splits:
        validation = self.validation.to(device) if self.validation else None
        return replace(self, train=self.train.to(device), validation=validation, test=self.test.to(device))

    def normalize(self, images: Tensor) -> Tensor:
        """uint8 (n, c, h, w) → float32 of zero mean and unit variance per channel."""
        shape = (1, -1, 1, 1)
        mean = torch.tensor(self.mean, device=images.device).mul_(self.scale).view(shape)
        std = torch.tensor(self.std, device=images.device).mul_(self.scale).view(shape)
        return images.float().sub_(mean).div_(std)


def with_label_noise(split: Split, share: float, *, num_classes: int, seed: int) -> Split:
    """`split` with the labels of round(share·n) random samples redrawn uniformly over all classes.

    A redrawn label may equal the old one: of a share p, p·(1 − 1/classes) are wrong on average.
    """
    generator = torch.Generator().manual_seed(derive(seed, "label_noise"))
    count = round(share * len(split))
    chosen = torch.randperm(len(split), generator=generator)[:count]
    labels = split.labels.clone()
    labels[chosen] = torch.randint(num_classes, (count,), generator=generator)
    return Split(split.images, labels)
