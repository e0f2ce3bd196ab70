"""The norm of many tensors as one vector: every step takes that of its gradient, and some also that of ε."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

Flag = Tensor | bool
"""A boolean scalar on the device, or what the host knows itself."""


@torch.no_grad()
def joint_norm(tensors: Iterable[Tensor]) -> Tensor:
    """‖·‖₂ of all tensors taken as one vector, a scalar on their device."""
    return joined(norms_of(tensors))


def norms_of(tensors: Iterable[Tensor]) -> list[Tensor]:
    """‖·‖₂ of each, those of one precision after those of another."""
    by_dtype: defaultdict[torch.dtype, list[Tensor]] = defaultdict(list)
    for tensor in tensors:
        by_dtype[tensor.dtype].append(tensor)
    return [norm for alike in by_dtype.values() for norm in torch._foreach_norm(alike)]


def joined(norms: Sequence[Tensor]) -> Tensor:
    """The norm of the whole, of its parts' norms."""
    return norms[0] if len(norms) == 1 else torch.linalg.vector_norm(torch.stack(list(norms)))


def is_finite(norms: Sequence[Tensor]) -> Flag:
    """Whether the norm of the whole is: known on a processor, where nobody waits for it."""
    if not norms[0].is_cpu:
        return joined(norms) < math.inf
    # Moderate norms are those of a moderate whole, in every precision, and needn't be joined to know it.
    return math.hypot(*norms) < 1e4 or math.isfinite(joined(norms))
