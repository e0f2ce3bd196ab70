"""basic+aa: `basic`, then AutoAugment's policy for CIFAR-10, on whole batches.

Cubuk et al. 2019, "AutoAugment: Learning Augmentation Strategies from Data". The policy has 25 sub-policies of two
operations. Each image gets a random sub-policy, whose operations apply in turn, each with its own probability;
where an operation has a direction, its sign is random.

The policy, the ranges of magnitudes, the operations, nearest sampling and black outside of the image are
torchvision's. We differ in drawing for all images at once and in applying an operation once to all images that
get it: a call takes many times longer to start than to change one small image. So batches should be large.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Generator, Tensor
from torchvision.transforms import v2

from bench.data.augment import basic
from bench.data.transfer import transfer

_TORCHVISION = v2.AutoAugment(v2.AutoAugmentPolicy.CIFAR10)
_LEVELS = 10
"""A magnitude is one of so many values, evenly spaced over the operation's range."""


class Operation(NamedTuple):
    """What is done to an image: torchvision's operation, the level of its magnitude and the magnitude's sign."""

    name: str
    level: int | None
    sign: int

    def magnitude(self, height: int, width: int) -> float:
        """In the operation's own unit: pixels, degrees, a factor, bits or a share of the grey levels."""
        if self.level is None:
            return 0.0
        levels, _ = _TORCHVISION._AUGMENTATION_SPACE[self.name]
        return self.sign * float(levels(_LEVELS, height, width)[self.level])

    def __call__(self, images: Tensor) -> Tensor:
        """uint8 (n, 1 or 3, h, w) → the same."""
        magnitude = self.magnitude(*images.shape[-2:])
        interpolation, fill = _TORCHVISION.interpolation, _TORCHVISION._fill
        changed: Tensor = _TORCHVISION._apply_image_or_video_transform(
            images, self.name, magnitude, interpolation=interpolation, fill=fill
        )
        return changed


def _alternatives(name: str, level: int | None) -> tuple[Operation, Operation]:
    """The operation with positive and with negative sign, which are one where it has no direction."""
    _, signed = _TORCHVISION._AUGMENTATION_SPACE[name]
    return Operation(name, level, 1), Operation(name, level, -1 if signed else 1)


NOTHING = Operation("Identity", None, 1)
_POLICY = [[(_alternatives(name, level), share) for name, share, level in pair] for pair in _TORCHVISION._policies]
OPERATIONS = [NOTHING, *dict.fromkeys(one for pair in _POLICY for both, _ in pair for one in both)]
"""Everything that the policy may do at one of its two positions; an operation's number is its place here."""
NUMBERS = torch.tensor([[[OPERATIONS.index(one) for one in both] for both, _ in pair] for pair in _POLICY])
"""(25, 2, 2): the number by sub-policy, position and whether the sign is negative."""
PROBABILITIES = torch.tensor([[share for _, share in pair] for pair in _POLICY])
"""(25, 2): that the operation applies, by sub-policy and position."""


def basic_autoaugment(images: Tensor, generator: Generator, *, flip: bool) -> Tensor:
    """`basic`, then the policy. uint8 (n, 1 or 3, h, w) → the same; grey images have no colour to change."""
    images = basic(images, generator, flip=flip)
    for numbers in draw(len(images), generator):
        images = apply(images, numbers)
    return images


def draw(n: int, generator: Generator) -> Tensor:
    """(2, n): the numbers of the operations that each image gets, first and second."""
    chosen = torch.randint(len(NUMBERS), (n,), generator=generator)
    applies = torch.rand(n, 2, generator=generator) < PROBABILITIES[chosen]
    negative = torch.randint(2, (n, 2, 1), generator=generator)
    numbers = NUMBERS[chosen].gather(2, negative).squeeze(2)
    return numbers.where(applies, OPERATIONS.index(NOTHING)).T


def apply(images: Tensor, numbers: Tensor) -> Tensor:
    """Image i after the operation of number `numbers[i]`. uint8 (n, 1 or 3, h, w) and (n,) → (n, 1 or 3, h, w)."""
    order = numbers.argsort(stable=True)
    sizes = numbers.bincount(minlength=len(OPERATIONS)).tolist()
    grouped = images.index_select(0, transfer(order, images.device))
    for operation, group in zip(OPERATIONS, grouped.split(sizes), strict=True):
        if len(group):
            group.copy_(operation(group))
    return grouped.index_select(0, transfer(order.argsort(), images.device))
