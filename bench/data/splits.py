"""Splits: the training, validation and test data of a model, stored as compactly as on disk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

import torch
from torch import Tensor

from bench.data.split import Batches, Split
from bench.errors import UserError
from bench.registry import Interpolation, Preprocessing
from bench.seeds import derive


@dataclass(frozen=True, kw_only=True)
class Splits:
    """A data set, and how its pixels become what models see."""

    train: Split
    validation: Split | None
    """None where the data set has no validation split and none is held out."""
    test: Split
    scale: float
    """Largest pixel value: images divided by it lie in [0, 1]."""
    mean: tuple[float, ...]
    """Per channel, of the training images in [0, 1]."""
    std: tuple[float, ...]
    """Per channel, of the training images in [0, 1]."""
    crop: float = 0.875
    """Side of the central square that is tested on, of the shorter side of the image that it is cut from."""
    interpolation: Interpolation = "bilinear"
    """How that image is brought to its size."""

    def to(self, device: torch.device) -> Splits:
        """The same on `device`."""
        validation = self.validation.to(device) if self.validation else None
        return replace(self, train=self.train.to(device), validation=validation, test=self.test.to(device))

    def prepared(self, wanted: Preprocessing) -> Splits:
        """The same as a model wants them; of another number of channels than it knows, with their own mean and std."""
        crop, interpolation = wanted.crop, wanted.interpolation
        known = len(wanted.mean) == len(self.mean)
        return Splits(
            train=self.train.cropped(crop, interpolation),
            validation=self.validation and self.validation.cropped(crop, interpolation),
            test=self.test.cropped(crop, interpolation),
            scale=self.scale,
            mean=wanted.mean if known else self.mean,
            std=wanted.std if known else self.std,
            crop=crop,
            interpolation=interpolation,
        )

    def normalize(self, images: Tensor) -> Tensor:
        """uint8 (n, c, h, w) → float32 of zero mean and unit variance per channel."""
        mean, std = self._constants(images.device)
        return images.float().sub_(mean).div_(std)

    def standardize(self, images: Tensor) -> Tensor:
        """Images (n, c, h, w) in [0, 1] → zero mean and unit variance per channel; differentiable."""
        mean, std = (constant / self.scale for constant in self._constants(images.device))
        return (images - mean) / std

    def normalized(self, batches: Batches) -> Iterator[tuple[Tensor, Tensor]]:
        """The same batches with normalized images."""
        return ((self.normalize(images), labels) for images, labels in batches)

    def _constants(self, device: torch.device) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation, copied to a device once: a copy per batch would wait for it."""
        return _constants(self.mean, self.std, self.scale, device)


@cache
def _constants(
    mean: tuple[float, ...], std: tuple[float, ...], scale: float, device: torch.device
) -> tuple[Tensor, Tensor]:
    first, second = (torch.tensor(values, device=device).mul_(scale).view(1, -1, 1, 1) for values in (mean, std))
    return first, second


def with_label_noise(split: Split, share: float, *, num_classes: int, seed: int) -> Split:
    """`split` with the labels of round(share·n) random samples redrawn uniformly over all classes.

    A redrawn label may equal the old one: of a share p, p·(1 − 1/classes) are wrong on average.
    """
    generator = torch.Generator().manual_seed(derive(seed, "label_noise"))
    count = round(share * len(split))
    chosen = torch.randperm(len(split), generator=generator)[:count]
    labels = split.labels.clone()
    labels[chosen] = torch.randint(num_classes, (count,), generator=generator)
    return split.relabelled(labels)


def hold_out(splits: Splits, share: float, seed: int) -> Splits:
    """`splits` with round(share·n) training samples of every class as the validation split.

    It takes the place of a validation split of the data set's own, whose samples go unused. UserError if either of the
    two would be empty.
    """
    if share == 0:
        return splits
    generator = torch.Generator().manual_seed(derive(seed, "validation"))
    labels, held = splits.train.labels, []
    for label in labels.unique():
        members = torch.nonzero(labels == label).flatten()
        shuffled = members[torch.randperm(len(members), generator=generator)]
        held.append(shuffled[: round(share * len(members))])
    inside = torch.zeros(len(labels), dtype=torch.bool)
    inside[torch.cat(held)] = True
    if inside.all() or not inside.any():
        amount = "all" if inside.any() else "none"
        raise UserError(
            f"val_fraction = {share:g} holds out {amount} of {len(labels):,} training images, as it is rounded to "
            "whole images of each class; choose another"
        )
    train, validation = (splits.train.subset(torch.nonzero(part).flatten()) for part in (~inside, inside))
    return replace(splits, train=train, validation=validation)
