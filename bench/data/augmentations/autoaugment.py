"""basic+aa: `basic`, then AutoAugment's policy for CIFAR-10, on whole batches.

Cubuk et al. 2019, "AutoAugment: Learning Augmentation Strategies from Data". The policy has 25 sub-policies of two
operations. Each image gets a random sub-policy, whose operations apply in turn, each with its own probability;
where an operation has a direction, its sign is random.

The policy and the ranges of magnitudes are torchvision's. We differ from single images in drawing for all at once
and in applying an operation once to all images that get it: a call takes many times longer to start than to change
one small image. So batches should be large.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Generator, Tensor

from bench.data.augmentations.autoaugment_operations import TORCHVISION, Operation
from bench.data.augmentations.basic import basic
from bench.data.transfer import transfer

Perform = Callable[[Operation, Tensor], Tensor]
"""How an operation is applied to images."""


def _alternatives(name: str, level: int | None) -> tuple[Operation, Operation]:
    """The operation with positive and with negative sign, which are one where it has no direction."""
    _, signed = TORCHVISION._AUGMENTATION_SPACE[name]
    return Operation(name, level, 1), Operation(name, level, -1 if signed else 1)


NOTHING = Operation("Identity", None, 1)
_POLICY = [[(_alternatives(name, level), share) for name, share, level in pair] for pair in TORCHVISION._policies]
OPERATIONS = [NOTHING, *dict.fromkeys(one for pair in _POLICY for both, _ in pair for one in both)]
"""Everything that the policy may do at one of its two positions; an operation's number is its place here."""
NUMBERS = torch.tensor([[[OPERATIONS.index(one) for one in both] for both, _ in pair] for pair in _POLICY])
"""(25, 2, 2): the number by sub-policy, position and whether the sign is negative."""
PROBABILITIES = torch.tensor([[share for _, share in pair] for pair in _POLICY])
"""(25, 2): that the operation applies, by sub-policy and position."""


def basic_autoaugment(
    images: Tensor, generator: Generator, *, flip: bool, perform: Perform = Operation.__call__
) -> Tensor:
    """`basic`, then the policy. uint8 (n, 1 or 3, h, w) → the same; grey images have no colour to change."""
    images = basic(images, generator, flip=flip)
    for numbers in draw(len(images), generator):
        images = apply(images, numbers, perform)
    return images


def basic_autoaugment_torchvision(images: Tensor, generator: Generator, *, flip: bool) -> Tensor:
    """The same by torchvision's operations."""
    return basic_autoaugment(images, generator, flip=flip, perform=Operation.by_torchvision)


def draw(n: int, generator: Generator) -> Tensor:
    """(2, n): the numbers of the operations that each image gets, first and second."""
    chosen = torch.randint(len(NUMBERS), (n,), generator=generator)
    applies = torch.rand(n, 2, generator=generator) < PROBABILITIES[chosen]
    negative = torch.randint(2, (n, 2, 1), generator=generator)
    numbers = NUMBERS[chosen].gather(2, negative).squeeze(2)
    return numbers.where(applies, OPERATIONS.index(NOTHING)).T


def apply(images: Tensor, numbers: Tensor, perform: Perform = Operation.__call__) -> Tensor:
    """Image i after the operation of number `numbers[i]`. uint8 (n, 1 or 3, h, w) and (n,) → (n, 1 or 3, h, w)."""
    order = numbers.argsort(stable=True)
    sizes = numbers.bincount(minlength=len(OPERATIONS)).tolist()
    grouped = images.index_select(0, transfer(order, images.device))
    for operation, group in zip(OPERATIONS, grouped.split(sizes), strict=True):
        if len(group):
            group.copy_(perform(operation, group))
    return grouped.index_select(0, transfer(order.argsort(), images.device))
