"""Running statistics of norm layers across the two passes of a step.

The authors run both passes in train mode, so running statistics move twice a step, at w and at w + ε
(`bn_stats: both`); other code bases keep those of the first pass (`first`). Layers of a shared prefix see
the same activations in both passes; their two updates r ← (1−m)·r + m·s are one with momentum 1−(1−m)²,
which is what `counted_twice` sets while they run once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import Tensor, nn

Tracking = nn.Module
"""A layer that keeps running statistics: torch's, or a user's own with a buffer `running_mean`."""


def tracking_layers(model: nn.Module) -> list[Tracking]:
    """Norm layers that keep running statistics."""
    return [module for module in model.modules() if isinstance(module._buffers.get("running_mean"), Tensor)]


def countable(layer: Tracking) -> bool:
    """Whether `counted_twice` knows how the layer's statistics move."""
    return isinstance(layer, nn.modules.batchnorm._NormBase)


@contextmanager
def unchanged(layers: Sequence[Tracking]) -> Iterator[None]:
    """Put the running statistics back on leaving. Enclose backward passes too: autograd keeps the buffers."""
    statistics = [tensor for layer in layers for tensor in _statistics(layer)]
    before = [tensor.clone() for tensor in statistics]
    try:
        yield
    finally:
        for tensor, old in zip(statistics, before, strict=True):
            tensor.copy_(old)


class MeanOverMicroBatches:
    """Running statistics of a step of several micro-batches: the mean of what each alone would leave.

    So a step moves them as far as one whole batch does, whether its micro-batches run one after another here or
    in several processes, whose own statistics may then be averaged at any later time: each update is linear.
    """

    def __init__(self, layers: Sequence[Tracking], count: int) -> None:
        layers = layers if count > 1 else ()
        self._moving = [tensor for layer in layers for tensor in moving_statistics(layer)]
        self._counters = [c for layer in layers if (c := _count(layer)) is not None]
        self._start = [tensor.clone() for tensor in (*self._moving, *self._counters)]
        self._sums = [torch.zeros_like(tensor) for tensor in self._moving]
        self._count = count

    def micro_batch(self, place: int) -> AbstractContextManager[None]:
        """Enclose both passes of the micro-batch number `place`; after the last the mean is there."""
        return self._averaging(place) if self._moving else nullcontext()

    @contextmanager
    def _averaging(self, place: int) -> Iterator[None]:
        if place:
            torch._foreach_copy_([*self._moving, *self._counters], self._start)
        yield
        torch._foreach_add_(self._sums, self._moving, alpha=1 / self._count)
        if place == self._count - 1:
            torch._foreach_copy_(self._moving, self._sums)


@contextmanager
def counted_twice(layers: Sequence[Tracking]) -> Iterator[None]:
    """Let one forward pass move the running statistics, and the counts of batches, as two would."""
    known = [layer for layer in layers if isinstance(layer, nn.modules.batchnorm._NormBase)]
    assert len(known) == len(layers), "models with other layers have no shared prefix"
    momenta = [layer.momentum for layer in known]
    counts = [_count(layer) for layer in known]
    versions = [None if count is None else count._version for count in counts]
    for layer in known:
        layer.momentum = _twice(layer)
    try:
        yield
    finally:
        for layer, momentum in zip(known, momenta, strict=True):
            layer.momentum = momentum
        for count, version in zip(counts, versions, strict=True):
            # Only layers that ran have counted; asking for the version needs no transfer from the device.
            if count is not None and count._version != version:
                count.add_(1)


def moving_statistics(layer: Tracking) -> list[Tensor]:
    """Running mean and variance."""
    return [
        tensor for name in ("running_mean", "running_var") if isinstance(tensor := layer._buffers.get(name), Tensor)
    ]


def _count(layer: Tracking) -> Tensor | None:
    count = layer._buffers.get("num_batches_tracked")
    return count if isinstance(count, Tensor) else None


def _statistics(layer: Tracking) -> list[Tensor]:
    """All that a forward pass may move: a user's own layer may keep more than mean and variance."""
    if isinstance(layer, nn.modules.batchnorm._NormBase):
        count = _count(layer)
        return [*moving_statistics(layer), *([] if count is None else [count])]
    return [tensor for tensor in layer._buffers.values() if isinstance(tensor, Tensor)]


def _twice(layer: Tracking) -> float | None:
    assert isinstance(layer, nn.modules.batchnorm._NormBase)
    momentum = layer.momentum
    if momentum is not None:
        return 1 - (1 - momentum) ** 2
    count = _count(layer)
    if not isinstance(layer, nn.modules.batchnorm._BatchNorm) or count is None:
        return None
    # A cumulative average weighs batch k by 1/k: after n batches, two more weigh 1 − n/(n+2) together.
    return 2 / (float(count) + 2)
