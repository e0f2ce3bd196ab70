"""A part of a model's chain."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from torch import Tensor, nn


class Segment(NamedTuple):
    """A callable on activations (a module, or a method that uses several) and the stage it belongs to."""

    stage: int
    """1-based stage of the network; the stem counts to the first, final norm and head to the last."""
    module: Callable[[Tensor], Tensor]


def numbered(stages: Iterable[nn.Module]) -> list[Segment]:
    """The chain of the children of every stage; stages count from 1."""
    return [Segment(number, part) for number, stage in enumerate(stages, 1) for part in stage.children()]


def run(segments: list[Segment], inputs: Tensor) -> Tensor:
    """Apply the chain to `inputs`."""
    for segment in segments:
        inputs = segment.module(inputs)
    return inputs
