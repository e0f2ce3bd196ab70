"""w → w + ε and back to w, on the perturbed tensors alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


@contextmanager
def displaced(weights: list[Tensor], perturbation: list[Tensor] | None) -> Iterator[None]:
    """Add ε inside; on leaving the weights are what they were, to the bit. None: there is no ε.

    They are copied, since (w + ε) − ε differs from w by rounding.
    """
    if perturbation is None:
        yield
        return
    with torch.no_grad():
        copies = [weight.detach().clone() for weight in weights]
        torch._foreach_add_(weights, perturbation)
    _forget_casts()
    try:
        yield
    finally:
        with torch.no_grad():
            torch._foreach_copy_(weights, copies)
        _forget_casts()


def _forget_casts() -> None:
    # An autocast region around the whole step keeps 16-bit copies of the weights, which are now out of date.
    torch.clear_autocast_cache()
