"""What a pass runs on: the user's closure, or tensors that can be split into micro-batches and samples."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from bench.sam.base.gradients import marks
from bench.sam.passes.trees import Tree, mapped, same_length, tensors_of, with_tensors

Loss = Callable[[Any, Any], Tensor]
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

    closure: Callable[[], Any]
    """Runs the forward pass and returns the mean loss, without a backward pass; or an output that names the loss."""
    parameters: Sequence[Tensor] = ()
    """Whose gradients the closure must leave alone."""

    def loss(self) -> Tensor:
        """See `Batch.loss`. ValueError for a closure that went backward, or gave no loss."""
        before = marks(self.parameters)
        returned = self.closure()
        if marks(self.parameters) != before:
            raise ValueError(
                "the closure must not call backward: it runs the forward pass and returns the loss; the step "
                "takes the gradients itself, twice"
            )
        return _loss_in(returned)


def _loss_in(returned: Any) -> Tensor:
    """The loss itself, the first of a tuple, or what an output of several parts calls its loss."""
    loss = returned
    if isinstance(returned, tuple | list) and returned:
        loss = returned[0]
    elif isinstance(returned, Mapping):
        loss = returned.get("loss")
    elif not isinstance(returned, Tensor):
        loss = getattr(returned, "loss", None)
    if not isinstance(loss, Tensor):
        raise ValueError(
            f"the closure returned {type(returned).__name__}: return the mean loss, a scalar tensor with its graph, "
            "or (loss, …), or an output with a `loss`"
        )
    return _scalar(loss, "the closure")


def _scalar(loss: Tensor, whose: str) -> Tensor:
    if loss.numel() != 1:
        raise ValueError(f"{whose} returned a tensor of shape {tuple(loss.shape)}, not the mean loss, a scalar")
    return loss if loss.dim() == 0 else loss.reshape(())


@dataclass(kw_only=True)
class TensorBatch(Batch):
    """Samples along the first dimension of every tensor in `inputs` and `targets`."""

    model: Callable[..., Any]
    """Applied to the inputs; DDP's wrapper where there is one."""
    inputs: Tree
    """(n, …), or a tuple or mapping of such: then the model's positional or named arguments."""
    targets: Tree
    """(n, …), or anything built of such."""
    loss_fn: Loss
    """Mean loss of outputs and targets."""
    amp_dtype: torch.dtype | None = None
    """Precision of the forward pass under autocast; None: as the caller set it."""
    share: float = 1.0
    """See `Batch.share`."""
    outputs: Tree = field(default=None, repr=False)
    """Outputs of the latest forward pass, without their graph."""
    keeps_outputs: bool = True
    """Whether there are any, for who asks for the losses of single samples."""

    def __len__(self) -> int:
        return same_length(self.inputs, self.targets)

    def loss(self) -> Tensor:
        """See `Batch.loss`; keeps the outputs for `sample_losses`."""
        if self.amp_dtype is None:
            return self._loss()
        with torch.autocast(tensors_of(self.inputs)[0].device.type, dtype=self.amp_dtype):
            return self._loss()

    def _loss(self) -> Tensor:
        outputs = self._forward()
        if self.keeps_outputs:
            self.outputs = mapped(Tensor.detach, outputs)
        return _scalar(self.loss_fn(outputs, self.targets), "loss_fn")

    def _forward(self) -> Any:
        if isinstance(self.inputs, Mapping):
            return self.model(**self.inputs)
        if isinstance(self.inputs, tuple):
            return self.model(*self.inputs)
        return self.model(self.inputs)

    def sample_losses(self) -> Tensor:
        """(n,) losses of the single samples in the latest forward pass, without a graph."""
        assert self.outputs is not None, "no forward pass was run"
        outputs, targets = tensors_of(self.outputs), tensors_of(self.targets)
        tensors, size = [*outputs, *targets], len(self)
        # An output may have parts that belong to no sample, such as a loss of its own.
        by_sample = [tensor.dim() > 0 and len(tensor) == size for tensor in tensors]

        def single(*parts: Tensor) -> Tensor:
            one = [t.unsqueeze(0) if sampled else t for t, sampled in zip(parts, by_sample, strict=True)]
            output = with_tensors(self.outputs, one[: len(outputs)])
            return self.loss_fn(output, with_tensors(self.targets, one[len(outputs) :]))

        places = tuple(0 if sampled else None for sampled in by_sample)
        with torch.no_grad():
            losses: Tensor = torch.func.vmap(single, in_dims=places)(*tensors)
        return losses

    def take(self, samples: Tensor | slice) -> TensorBatch:
        """The batch of some of the samples, by their indices."""
        same_length(self.inputs, self.targets)
        inputs, targets = (mapped(lambda tensor: tensor[samples], tree) for tree in (self.inputs, self.targets))
        return replace(self, inputs=inputs, targets=targets, outputs=None)

    def split(self, m: int | None) -> list[TensorBatch]:
        """Micro-batches of m samples; None: the batch itself.

        Where m doesn't divide the batch, such as the last of an epoch, as few as hold it with at most m samples each,
        and as equal as can be: a norm layer should not see a handful of samples that happen to be left.
        """
        if m is None:
            return [self]
        size = len(self)
        if m >= size:
            return [self]
        count = -(-size // m)
        bounds = [size * place // count for place in range(count + 1)]
        return [
            replace(self.take(slice(start, end)), share=self.share * (end - start) / size)
            for start, end in pairwise(bounds)
        ]


def share_of(part: Batch, whole: Batch) -> float:
    """Of the samples of `whole` those in `part`."""
    if part is whole:
        return 1.0
    assert isinstance(part, TensorBatch), "a closure can't be cut"
    assert isinstance(whole, TensorBatch), "a closure can't be cut"
    return len(part) / len(whole)
