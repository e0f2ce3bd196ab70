"""Averages over micro-batches and processes: the one place where m meets data parallelism.

m-sharpness perturbs with the gradient of m samples and averages the gradients at w + ε. On one device the m
samples are a micro-batch; with DDP they are a process's share of the batch, or a micro-batch of that. Pass 1
therefore never synchronises, and pass 2 does for the last micro-batch only.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel


class Reduction:
    """How gradients of several passes become one."""

    def __init__(self, model: nn.Module) -> None:
        self._parallel = model if isinstance(model, DistributedDataParallel) else None

    @property
    def rank(self) -> int:
        """Of this process among those that share the model."""
        return 0 if self._parallel is None else distributed.get_rank(self._parallel.process_group)

    def local(self) -> AbstractContextManager[None]:
        """Inside, gradients stay in this process."""
        return nullcontext() if self._parallel is None else self._parallel.no_sync()

    def shared(self, *, last: bool) -> AbstractContextManager[None]:
        """Inside, gradients accumulate; those of the last micro-batch bring the average over processes."""
        return nullcontext() if last else self.local()

    def average(self, tensors: Iterable[Tensor]) -> None:
        """Average over processes, in place, what DDP doesn't average itself."""
        if self._parallel is None:
            return
        group = self._parallel.process_group
        for tensor in tensors:
            distributed.all_reduce(tensor, group=group)
            tensor.div_(distributed.get_world_size(group))


def add_share(total: dict[str, Tensor], part: dict[str, Tensor], share: float) -> None:
    """total += share · part, tensor by tensor; a tensor that is new to `total` starts from zero."""
    for name, tensor in part.items():
        if name in total:
            total[name].add_(tensor, alpha=share)
        else:
            total[name] = torch.mul(tensor, share)
