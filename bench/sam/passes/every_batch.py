"""All micro-batches of a step: both passes of each in turn, or pass 1 of all first if that decides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from bench.sam.passes.batches import Batch
from bench.sam.passes.running_stats import MeanOverMicroBatches, Tracking
from bench.sam.passes.two_passes import TwoPasses
from bench.sam.report import Pass
from bench.sam.variants.variant import Variant, joint_norm

Item = TypeVar("Item")
Result = TypeVar("Result")


def perturbed_passes(
    passes: TwoPasses, variant: Variant, batches: Sequence[Batch], layers: Sequence[Tracking], rho: float
) -> list[Pass]:
    """The passes of a step; what the optimizer shall descend along is left in `.grad`."""
    passes.begin(len(batches))
    last = len(batches) - 1
    if not variant.decides:
        return _each(batches, layers, lambda at, batch: passes.run(batch, at, rho=rho, last=at == last))
    firsts = _each(batches, layers, lambda at, batch: passes.first(batch, at))
    # One answer for all processes, since they ask of the same averaged gradient.
    if bool(variant.goes_on(joint_norm(passes.gradient_at_w().values()).double().square())):
        return _each(firsts, layers, lambda at, first: passes.second(first, rho=rho, last=at == last))
    passes.descend_along_g()
    return [first.result for first in firsts]


def _each(items: Sequence[Item], layers: Sequence[Tracking], run: Callable[[int, Item], Result]) -> list[Result]:
    """What `run` gives for each; running statistics move by the mean over them."""
    statistics, made = MeanOverMicroBatches(layers, len(items)), []
    for place, item in enumerate(items):
        with statistics.micro_batch(place):
            made.append(run(place, item))
    return made
