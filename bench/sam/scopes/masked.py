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
        self.masks: dict[str, Tensor] = {}
        """Booleans by name; True: perturbed."""
        self.empty: set[str] = set()
        """Tensors without a live entry."""
        super().__init__(context)

    @property
    def total(self) -> int:
        """N, the number of trainable entries."""
        return sum(tensor.numel() for tensor in self.tensors.values())

    def refresh(self) -> None:
        """See `Scope.refresh`. A tensor that trains from now on gets a random mask, as dense as the others'."""
        super().refresh()
        new = [name for name in self.tensors if name not in self.masks and name not in self.empty]
        if not self.masks or not new:
            return
        live = float(sum(int(mask.sum()) for mask in self.masks.values()))
        share = live / sum(mask.numel() for mask in self.masks.values())
        generator = torch.Generator().manual_seed(self.context.seed)
        for name in new:
            drawn = torch.rand(self.tensors[name].shape, generator=generator) < share
            self.masks[name] = drawn.to(self.tensors[name].device)

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
        named = dict(zip(self.tensors, parts, strict=True))
        self.empty = {name for name, part in named.items() if not part.any()}
        self.masks = {
            name: part.view(self.tensors[name].shape).to(self.tensors[name].device) for name, part in named.items()
        }

    def flat_mask(self) -> Tensor:
        """(N,) booleans in the order of `set_live`, on the CPU."""
        return torch.cat([self.masks[name].flatten().cpu() for name in self.tensors])

    def state_dict(self) -> dict[str, Any]:
        """The mask."""
        return {"masks": self.masks}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """See `Scope.load_state_dict`."""
        self.masks = {name: mask.to(self.context.held[name].device) for name, mask in state["masks"].items()}
