"""What scopes of single entries share: a mask of all trainable entries, live where ε may be non-zero."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from bench.sam.context import Context
from bench.sam.scopes.scope import Scope


class Masked(Scope):
    """A scope with a mask; a subclass fills it, here or later."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.total = sum(tensor.numel() for tensor in self.tensors.values())
        """N, the number of trainable entries."""
        self.masks: dict[str, Tensor] = {}
        """Booleans by name; True: perturbed."""

    def select(self) -> dict[str, nn.Parameter]:
        """See `Scope.select`: every trainable tensor; the mask says which of its entries."""
        return dict(self.context.trainable)

    def masked(self, names: list[str], values: list[Tensor]) -> list[Tensor]:
        """`values` with zeros in what isn't live."""
        return list(torch._foreach_mul(values, [self.masks[name] for name in names]))

    def live_at(self, sparsity: float) -> int:
        """N − ⌈N·s⌉."""
        return self.total - math.ceil(self.total * sparsity)

    def randomly(self, generator: torch.Generator, live: int) -> None:
        """Make `live` entries live, uniformly among all."""
        self.set_live(torch.randperm(self.total, generator=generator)[:live])

    def set_live(self, places: Tensor) -> None:
        """Make exactly these live: places in all entries, tensor after tensor, each row by row."""
        flat = torch.zeros(self.total, dtype=torch.bool)
        flat[places.cpu()] = True
        parts = torch.split(flat, [tensor.numel() for tensor in self.tensors.values()])
        self.masks = {
            name: part.view(tensor.shape).to(tensor.device)
            for (name, tensor), part in zip(self.tensors.items(), parts, strict=True)
        }

    def flat_mask(self) -> Tensor:
        """(N,) booleans in the order of `set_live`, on the CPU."""
        return torch.cat([mask.flatten().cpu() for mask in self.masks.values()])

    def state_dict(self) -> dict[str, Any]:
        """The mask."""
        return {"masks": self.masks}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """See `Scope.load_state_dict`."""
        self.masks = {name: mask.to(self.tensors[name].device) for name, mask in state["masks"].items()}
