"""GradientMemory: a moving average of a gradient, one tensor per parameter, that only finite steps change.

Whether anything is remembered yet is a scalar on the device, so that nobody waits for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from bench.sam.context import Context


class GradientMemory:
    """m ← (1 − weight)·m + weight·g, from m ← g at the first finite step."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._tensors: dict[str, Tensor] = {}
        self._known: Tensor | None = None
        """Whether there was a finite step; until then the tensors are zeros."""

    def __contains__(self, name: str) -> bool:
        return name in self._tensors

    def __bool__(self) -> bool:
        return bool(self._tensors)

    def recall(self, names: list[str], like: list[Tensor]) -> list[Tensor]:
        """What is remembered; zeros where nothing is."""
        pairs = zip(names, like, strict=True)
        return [self._tensors[name] if name in self._tensors else torch.zeros_like(one) for name, one in pairs]

    def averaged(self, names: list[str], gradients: list[Tensor], weight: float = 1.0) -> list[Tensor]:
        """What would be remembered after these gradients."""
        if self._known is None or weight == 1:
            return gradients
        # In double precision, until it meets the gradients.
        usual = torch.full((), weight, dtype=torch.float64, device=self._known.device)
        share = torch.where(self._known, usual, torch.ones_like(usual))
        pairs = zip(names, gradients, strict=True)
        return [
            torch.lerp(self._tensors[name], new, share.to(new.dtype)) if name in self._tensors else new
            for name, new in pairs
        ]

    def keep(self, gradients: Mapping[str, Tensor], finite: Tensor, weight: float = 1.0) -> None:
        """Take these gradients in, if they are finite; `finite` is a boolean scalar."""
        names, found = list(gradients), list(gradients.values())
        before, after = self.recall(names, found), self.averaged(names, found, weight)
        self._tensors |= {
            name: torch.where(finite, new, old) for name, new, old in zip(names, after, before, strict=True)
        }
        self._known = finite if self._known is None else self._known.logical_or(finite)

    def state_dict(self) -> dict[str, Any]:
        """What is remembered."""
        return {"tensors": dict(self._tensors), "known": self._known}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on with it."""
        held, device = self._context.held, self._context.device
        self._tensors = {name: tensor.to(held[name].device) for name, tensor in state["tensors"].items()}
        self._known = None if state["known"] is None else state["known"].to(device)
