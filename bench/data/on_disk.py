"""Images on disk: decoded, cropped and augmented by worker processes, one image at a time.

The draws for an image depend on the epoch's seed and the image alone, never on the number of workers.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Generator, Tensor
from torch.utils.data import DataLoader, Dataset, default_collate
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional

from bench.data.files.decoding import read_rgb
from bench.data.files.location import DataError
from bench.data.split import WHOLE, Augmentation, Batches, EpochShare, Split
from bench.registry import Interpolation
from bench.seeds import derive

_IN_PROCESS = 64
"""Most images that are read without worker processes, which take longer to start."""


@dataclass(frozen=True, kw_only=True)
class OnDisk(Split):
    """Image files, seen as RGB squares of `size` pixels."""

    paths: Sequence[str]
    labels: Tensor
    size: int
    border: int = 0
    """Pixels at each edge that aren't part of the image."""
    crop: float = 0.875
    """Side of the central square that is tested on, of the shorter side of the image that it is cut from."""
    interpolation: Interpolation = "bilinear"
    """How that image is brought to its size."""
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    def to(self, device: torch.device) -> OnDisk:
        """See `Split.to`."""
        return replace(self, device=device)

    def subset(self, indices: Tensor) -> OnDisk:
        """See `Split.subset`."""
        return replace(self, paths=[self.paths[i] for i in indices.tolist()], labels=self.labels[indices])

    def relabelled(self, labels: Tensor) -> OnDisk:
        """See `Split.relabelled`."""
        return replace(self, labels=labels)

    def cropped(self, crop: float, interpolation: Interpolation) -> OnDisk:
        """See `Split.cropped`."""
        return replace(self, crop=crop, interpolation=interpolation)

    def batches(
        self, order: Tensor, size: int, augmentation: Augmentation | None = None, part: EpochShare = WHOLE
    ) -> Batches:
        """See `Split.batches`."""
        shares = [part.of(batch, size).tolist() for batch in order.split(size)[part.skip :]]
        loader: DataLoader[Any] = DataLoader(
            _Images(self, augmentation),
            batch_sampler=shares,
            collate_fn=_collated,
            num_workers=_workers(sum(map(len, shares))),
            pin_memory=self.device.type == "cuda",
            # The workers' own draws aren't used, and drawing their seed would disturb those of training.
            generator=Generator(),
        )
        for batch in loader:
            if isinstance(batch, DataError):
                raise batch
            images, labels = batch
            yield images.to(self.device, non_blocking=True), labels.to(self.device, non_blocking=True)

    def read(self, index: int, augmentation: Augmentation | None) -> Tensor:
        """(3, size, size) uint8."""
        image = functional.pil_to_tensor(read_rgb(self.paths[index]))
        if self.border:
            image = image[:, self.border : -self.border, self.border : -self.border]
        if augmentation is None:
            return self._central(image)
        generator = Generator().manual_seed(derive(augmentation.seed, "image", index))
        return augmentation.augment(image[None], generator, flip=augmentation.flip)[0]

    def _central(self, image: Tensor) -> Tensor:
        # The next smaller number of pixels, as in timm.
        side, mode = int(self.size / self.crop), InterpolationMode(self.interpolation)
        scaled = functional.resize(image, [side], interpolation=mode, antialias=True)
        return functional.center_crop(scaled, [self.size, self.size])


_Sample = tuple[Tensor, Tensor] | DataError


class _Images(Dataset[_Sample]):
    def __init__(self, split: OnDisk, augmentation: Augmentation | None) -> None:
        self._split, self._augmentation = split, augmentation

    def __getitem__(self, index: int) -> _Sample:
        try:
            return self._split.read(index, self._augmentation), self._split.labels[index]
        except DataError as error:
            # As a value: what a worker process raises comes back as the text of its traceback.
            return error


def _collated(samples: list[_Sample]) -> Any:
    return next((sample for sample in samples if isinstance(sample, DataError)), None) or default_collate(samples)


def _workers(images: int) -> int:
    return 0 if images <= _IN_PROCESS else min(len(os.sched_getaffinity(0)), max(1, torch.get_num_threads()))
