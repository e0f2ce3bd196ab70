"""Split: labelled images that come in batches, from memory or from a disk."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Generator, Tensor

from bench.registry import Interpolation

Batches = Iterator[tuple[Tensor, Tensor]]
"""Images (n, channels, height, width) as uint8 and labels (n,) as int64, on the split's device."""


class Augment(Protocol):
    """uint8 (n, c, h, w) → uint8 (n, c, h', w'); all draws come from the CPU generator."""

    def __call__(self, images: Tensor, generator: Generator, *, flip: bool) -> Tensor: ...


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """How an epoch's images are augmented: the same seed gives the same images on every device."""

    augment: Augment
    flip: bool
    """Whether a mirrored image keeps its label."""
    seed: int


@dataclass(frozen=True, kw_only=True)
class EpochShare:
    """The part of an epoch that is left for a process: its share of each batch, after those that it has seen."""

    rank: int = 0
    size: int = 1
    """Processes that share each whole batch; each gets a contiguous piece of it."""
    skip: int = 0
    """Batches that it has seen."""

    def of(self, batch: Tensor, whole: int) -> Tensor:
        """This process's piece of a batch; of one that is smaller than `whole`, which is the last, all of it.

        It may have no whole micro-batch for every process. Where all make the same step, so does their average.
        """
        n = len(batch)
        if n < whole:
            return batch
        return batch[n * self.rank // self.size : n * (self.rank + 1) // self.size]


WHOLE = EpochShare()
"""Everything, in one process."""


class Split(ABC):
    """Labelled images."""

    labels: Tensor
    """(n,) int64."""

    def __len__(self) -> int:
        return len(self.labels)

    @abstractmethod
    def to(self, device: torch.device) -> Split:
        """The same images, whose batches are on `device`."""

    @abstractmethod
    def subset(self, indices: Tensor) -> Split:
        """Some of the samples."""

    @abstractmethod
    def relabelled(self, labels: Tensor) -> Split:
        """The same images with other labels (n,)."""

    def cropped(self, crop: float, interpolation: Interpolation) -> Split:
        """The same images, tested on by other central crops, where they have to be cut at all."""
        return self

    @abstractmethod
    def batches(
        self, order: Tensor, size: int, augmentation: Augmentation | None = None, part: EpochShare = WHOLE
    ) -> Batches:
        """The samples at `order` in batches of `size`, the last of which may be smaller.

        What an image looks like depends neither on `part` nor on the device.
        """

    def take(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """One unaugmented batch."""
        return next(self.batches(indices, len(indices)))

    def in_order(self, size: int, part: EpochShare = WHOLE) -> Batches:
        """Every sample once, unaugmented; of several processes each gets every k-th."""
        return self.batches(torch.arange(part.rank, len(self), part.size), size)
