"""The optimizer's update, unless the gradient isn't finite, without the host knowing.

torch's fused optimizers skip by a flag on the device. Those whose state starts from zero (`GUARDED`) make the update,
and weights and state are put back where it was of a gradient that isn't finite. All others wait for the device, once a
step: what they remember may be anything. On a processor, where nobody waits, the host knows the flag, and none of this
is needed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor
from torch.optim import Optimizer

from bench.sam.base.joint_norm import Flag

GUARDED = frozenset(
    {"torch.optim.sgd:SGD", "torch.optim:Muon", "timm.optim.lion:Lion", "bench.optim.muon:MuonWithAdamW"}
)
"""Optimizers whose state is tensors on the parameters' device and zero until the first update."""


def update_of(optimizer: Optimizer) -> Update:
    """The way in which this optimizer skips an update."""
    if getattr(optimizer, "_step_supports_amp_scaling", False):
        return _Fused(optimizer)
    return _Guarded(optimizer) if starts_from_zero(optimizer) else _Asked(optimizer)


def starts_from_zero(optimizer: Optimizer) -> bool:
    """Whether an update can be undone on the device, the first one too."""
    kind = type(optimizer)
    if f"{kind.__module__}:{kind.__qualname__}" not in GUARDED:
        return False
    # SGD doesn't damp its first gradient, so that a momentum of zero isn't the same as none.
    return all(not group.get("dampening") for group in optimizer.param_groups)


class Update(ABC):
    """Makes the optimizer's update where a flag is true."""

    def __init__(self, optimizer: Optimizer) -> None:
        self._optimizer = optimizer

    def __call__(self, finite: Flag) -> None:
        if isinstance(finite, Tensor):
            self.by_device(finite)
        elif finite:
            self._optimizer.step()

    @abstractmethod
    def by_device(self, finite: Tensor) -> None:
        """Make it by a flag that lies on the device."""


class _Fused(Update):
    def by_device(self, finite: Tensor) -> None:
        # As torch's own scaler tells them.
        vars(self._optimizer)["found_inf"] = finite.logical_not().float()
        try:
            self._optimizer.step()
        finally:
            del vars(self._optimizer)["found_inf"]


class _Guarded(Update):
    @torch.no_grad()
    def by_device(self, finite: Tensor) -> None:
        # The update is made, and all put back where it shouldn't have been.
        updated = [p for group in self._optimizer.param_groups for p in group["params"] if p.grad is not None]
        state = self._optimizer.state
        before = [p.detach().clone() for p in updated]
        kept = [{key: value.clone() for key, value in _tensors(state.get(p))} for p in updated]
        self._optimizer.step()
        for parameter, old, remembered in zip(updated, before, kept, strict=True):
            torch.where(finite, parameter, old, out=parameter)
            for key, value in _tensors(state.get(parameter)):
                torch.where(finite, value, remembered.get(key, torch.zeros_like(value)), out=value)


class _Asked(Update):
    def by_device(self, finite: Tensor) -> None:
        if bool(finite):
            self._optimizer.step()


def _tensors(state: dict[str, object] | None) -> list[tuple[str, Tensor]]:
    return [(key, value) for key, value in (state or {}).items() if isinstance(value, Tensor)]
