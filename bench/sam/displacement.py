"""w → w + ε and back to w, on the perturbed tensors alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


@contextmanager
def displaced(weights: list[Tensor], perturbation: list[Tensor]) -> Iterator[list[Tensor]]:
    """Add ε inside; on leaving the weights are what they were, to the bit.

    They are copied, since (w + ε) − ε differs from w by rounding; gives the copies.
    """
    with torch.no_grad():
        copies = [weight.detach().clone() for weight in weights]
        if weights:
            torch._foreach_add_(weights, perturbation)
    _forget_casts()
    try:
        yield copies
    finally:
        if weights:
            with torch.no_grad():
                torch._foreach_copy_(weights, copies)
        _forget_casts()


def in_full_precision(tensors: list[Tensor]) -> list[Tensor]:
    """The tensors, those of 16 bits as single precision: norms and products would lose all but three digits."""
    return [tensor.float() if _is_short(tensor) else tensor for tensor in tensors]


@torch.no_grad()
def share_moved(weights: list[Tensor], originals: list[Tensor]) -> Tensor | None:
    """Share of the entries that ε has changed, for weights of 16 bits, whose rounding swallows small ones."""
    pairs = [(weight, old) for weight, old in zip(weights, originals, strict=True) if _is_short(weight)]
    if not pairs:
        return None
    moved = torch.stack([(weight != old).sum() for weight, old in pairs]).sum()
    return moved / sum(weight.numel() for weight, _ in pairs)


def _is_short(tensor: Tensor) -> bool:
    return tensor.dtype in (torch.bfloat16, torch.float16)


def _forget_casts() -> None:
    # An autocast region around the whole step keeps 16-bit copies of the weights, which are now out of date.
    torch.clear_autocast_cache()
