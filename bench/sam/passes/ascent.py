"""Gradients of some of the parameters only: the backward pass stops at the first of them.

While the loss is computed the other parameters don't require a gradient, so that their part of the graph
isn't even recorded: neither time nor memory is spent on them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class GradientsOf:
    """Chooses among the trainable parameters those that the next graph is recorded for."""

    def __init__(self, chosen: Iterable[nn.Parameter], trainable: Iterable[nn.Parameter]) -> None:
        ids = {id(parameter) for parameter in chosen}
        self._others = [parameter for parameter in trainable if id(parameter) not in ids]

    @contextmanager
    def chosen(self) -> Iterator[None]:
        """Inside, only the chosen parameters require a gradient."""
        yield from self._others_require(False)

    @contextmanager
    def everything(self) -> Iterator[None]:
        """Within `chosen`: all trainable parameters require a gradient again."""
        yield from self._others_require(True)

    def _others_require(self, flag: bool) -> Iterator[None]:
        for parameter in self._others:
            parameter.requires_grad_(flag)
        try:
            yield
        finally:
            for parameter in self._others:
                parameter.requires_grad_(not flag)


def ascent_gradients(loss: Tensor, tensors: dict[str, nn.Parameter]) -> dict[str, Tensor]:
    """Gradient of `loss` for each tensor that it depends on, by name; no `.grad` is touched."""
    if not (loss.requires_grad and tensors):
        return {}
    try:
        found: Sequence[Tensor | None] = torch.autograd.grad(loss, list(tensors.values()), allow_unused=True)
    except RuntimeError as error:
        if "use_reentrant=True" in str(error):
            raise RuntimeError(
                "re-entrant gradient checkpointing can't give the gradients of some tensors only, which pass 1 takes; "
                "use torch.utils.checkpoint.checkpoint(…, use_reentrant=False)"
            ) from error
        raise
    return {name: g for name, g in zip(tensors, found, strict=True) if g is not None}
