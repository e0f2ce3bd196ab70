"""What a pass runs on: a closure of the user's, or tensors that can be cut into micro-batches and samples."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise

import torch
from torch import Tensor

Loss = Callable[[Tensor, Tensor], Tensor]
"""(outputs, targets) → mean loss over the samples, a scalar."""


class Batch(ABC):
    """Something that has a mean loss at the present weights."""

    share: float = 1.0
    """Of the step's samples, which its gradient is weighted by."""

    @abstractmethod
    def loss(self) -> Tensor:
        """Run the forward pass; the scalar mean loss, with its graph."""


@dataclass(frozen=True, kw_only=True)
class ClosureBatch(Batch):
    """A forward pass that only the user knows."""

    closure: Callable[[], Tensor]
    """Runs the forward pass and returns the mean loss, without a backward pass."""

    def loss(self) -> Tensor:
        """See `Batch.loss`."""
        return self.closure()


@dataclass(kw_only=True)
class TensorBatch(Batch):
    """Samples along the first dimension of `inputs` and `targets`."""

    model: Callable[[Tensor], Tensor]
    """Applied to the inputs; DDP's wrapper where there is one."""
    inputs: Tensor
    """(n, …)."""
    targets: Tensor
    """(n, …)."""
    loss_fn: Loss
    """Mean loss of outputs and targets."""
    amp_dtype: torch.dtype | None = None
    """Precision of the forward pass under autocast; None: as the caller set it."""
    share: float = 1.0
    """See `Batch.share`."""
    outputs: Tensor | None = field(default=None, repr=False)
    """(n, …) outputs of the latest forward pass, without their graph."""

    def loss(self) -> Tensor:
        """See `Batch.loss`; keeps the outputs for `sample_losses`."""
        if self.amp_dtype is None:
            return self._loss()
        with torch.autocast(self.inputs.device.type, dtype=self.amp_dtype):
            return self._loss()

    def _loss(self) -> Tensor:
        outputs = self.model(self.inputs)
        self.outputs = outputs.detach()
        return self.loss_fn(outputs, self.targets)

    def sample_losses(self) -> Tensor:
        """(n,) losses of the single samples in the latest forward pass, without a graph."""
        assert self.outputs is not None, "no forward pass was run"
        pairs = zip(torch.split(self.outputs, 1), torch.split(self.targets, 1), strict=True)
        with torch.no_grad():
            return torch.stack([self.loss_fn(output, target) for output, target in pairs])

    def take(self, samples: Tensor | slice) -> TensorBatch:
        """The batch of some of the samples, by their indices."""
        return replace(self, inputs=self.inputs[samples], targets=self.targets[samples], outputs=None)

    def split(self, m: int | None) -> list[TensorBatch]:
        """Micro-batches of m samples; None: the batch itself.

        Where m doesn't divide the batch, such as the last of an epoch, as few as hold it with at most m samples each,
        and as equal as can be: a norm layer should not see a handful of samples that happen to be left.
        """
        size = len(self.inputs)
        if m is None or m >= size:
            return [self]
        count = -(-size // m)
        bounds = [size * place // count for place in range(count + 1)]
        return [
            replace(self.take(slice(start, end)), share=self.share * (end - start) / size)
            for start, end in pairwise(bounds)
        ]
