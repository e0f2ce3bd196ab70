"""The names of fake data sets: `fake:cifar`, `fake:imagenet`, or `fake:TRAINxCHANNELSxSIZExCLASSES`."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Shape:
    """How many images of what size in how many classes."""

    train: int
    channels: int
    size: int
    num_classes: int


_SHORT = {"cifar": "50000x3x32x10", "imagenet": "1280x3x224x1000"}
FORM = f"fake:{', fake:'.join(_SHORT)} or fake:TRAINxCHANNELSxSIZExCLASSES, such as fake:2560x3x32x10"


def parse(name: str) -> Shape:
    """The shape that a name without `fake:` stands for; ValueError with the valid forms."""
    match = re.fullmatch(r"(\d+)x(\d+)x(\d+)x(\d+)", _SHORT.get(name, name))
    if not match or not all(numbers := [int(number) for number in match.groups()]):
        raise ValueError(f"unknown data set 'fake:{name}'; valid: {FORM}")
    train, channels, size, num_classes = numbers
    return Shape(train=train, channels=channels, size=size, num_classes=num_classes)
