"""The operations of AutoAugment on whole batches, as the SAM-ON authors apply them and as torchvision does.

The authors' are Pillow's on single images. Beside one grey level in colours, they differ from torchvision's in that

- what comes from outside of the image is grey, not black;
- images move by the nearest whole number of pixels, not by the next smaller one;
- shearing interpolates by Pillow's cubic, which is Keys' (1981) with a = −1, and cuts the sum to whole grey levels;
- solarizing counts thresholds from 256, not from 255.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional

TORCHVISION = v2.AutoAugment(v2.AutoAugmentPolicy.CIFAR10)
"""Whose policy and ranges of magnitudes are the published ones."""
GREY = 128
_LEVELS = 10
"""A magnitude is one of so many values, evenly spaced over the operation's range."""
_ROUNDING = 1e-4
"""Added before a sum of weights is cut: single precision may fall short of the whole number that Pillow comes to."""


class Operation(NamedTuple):
    """What is done to an image: the name in torchvision, the level of its magnitude and the magnitude's sign."""

    name: str
    level: int | None
    sign: int

    def magnitude(self, height: int, width: int) -> float:
        """In the operation's own unit: pixels, degrees, a factor, bits or a share of the grey levels."""
        if self.level is None:
            return 0.0
        levels, _ = TORCHVISION._AUGMENTATION_SPACE[self.name]
        return self.sign * float(levels(_LEVELS, height, width)[self.level])

    def __call__(self, images: Tensor) -> Tensor:
        """As the authors do it. uint8 (n, 1 or 3, h, w) → the same."""
        own = _AUTHORS.get(self.name)
        return self.by_torchvision(images) if own is None else own(images, self)

    def by_torchvision(self, images: Tensor) -> Tensor:
        """As torchvision does it: nearest sampling, and black outside of the image. uint8 (n, 1 or 3, h, w) → same."""
        magnitude = self.magnitude(*images.shape[-2:])
        interpolation, fill = TORCHVISION.interpolation, TORCHVISION._fill
        changed: Tensor = TORCHVISION._apply_image_or_video_transform(
            images, self.name, magnitude, interpolation=interpolation, fill=fill
        )
        return changed


def _translate_x(images: Tensor, operation: Operation) -> Tensor:
    return _moved(images, 3, operation.magnitude(*images.shape[-2:]))


def _translate_y(images: Tensor, operation: Operation) -> Tensor:
    return _moved(images, 2, operation.magnitude(*images.shape[-2:]))


def _moved(images: Tensor, dimension: int, magnitude: float) -> Tensor:
    """Place i of a dimension gets what was at i + magnitude; where that is outside, grey."""
    size, offset = images.shape[dimension], math.floor(magnitude + 0.5)
    kept = max(0, size - abs(offset))
    moved = torch.full_like(images, GREY)
    start = max(0, offset)
    moved.narrow(dimension, max(0, -offset), kept).copy_(images.narrow(dimension, min(start, size - kept), kept))
    return moved


def _rotate(images: Tensor, operation: Operation) -> Tensor:
    return functional.rotate(images, operation.magnitude(*images.shape[-2:]), fill=GREY)


def _solarize(images: Tensor, operation: Operation) -> Tensor:
    level = operation.level or 0
    return torch.where(images < 256 * (1 - level / (_LEVELS - 1)), images, 255 - images)


def _shear_y(images: Tensor, operation: Operation) -> Tensor:
    height, width = images.shape[-2:]
    own = _shear(operation.magnitude(height, width), height, width)
    weights, added = (tensor.to(images.device) for tensor in own)
    columns = images.permute(3, 2, 0, 1).flatten(2).float()
    sheared = torch.baddbmm(added, weights, columns).clamp_(0, 255).byte()
    return sheared.view(width, height, *images.shape[:2]).permute(2, 3, 1, 0)


@lru_cache(maxsize=64)
def _shear(slope: float, height: int, width: int) -> tuple[Tensor, Tensor]:
    """(w, h, h), (w, h, 1): of each column, the weights of its rows in each row of the sheared one, and what is added.

    Row y of column x shows what is at y + slope·(x + ½), or grey where that is outside of the image.
    """
    rows, columns = torch.arange(height, dtype=torch.float64), torch.arange(width, dtype=torch.float64)
    source = rows + slope * (columns + 0.5)[:, None]
    first = source.floor()
    weights = torch.zeros(width, height, height, dtype=torch.float64)
    for step in range(-1, 3):
        place = (first + step).clamp(0, height - 1).long()[..., None]
        weights.scatter_add_(2, place, _cubic(source - first - step)[..., None])
    outside = (source + 0.5 < 0) | (source + 0.5 >= height)
    added = torch.full_like(source, _ROUNDING).masked_fill(outside, GREY)
    return weights.masked_fill(outside[..., None], 0.0).float(), added[..., None].float()


def _cubic(distance: Tensor) -> Tensor:
    """Keys' cubic with a = −1."""
    d = distance.abs()
    return torch.where(d <= 1, d**3 - 2 * d**2 + 1, torch.where(d < 2, -(d**3) + 5 * d**2 - 8 * d + 4, 0.0))


_AUTHORS: dict[str, Callable[[Tensor, Operation], Tensor]] = {
    "ShearY": _shear_y,
    "TranslateX": _translate_x,
    "TranslateY": _translate_y,
    "Rotate": _rotate,
    "Solarize": _solarize,
}
"""Those of the policy that the authors do otherwise."""
