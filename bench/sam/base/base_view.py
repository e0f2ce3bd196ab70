"""What a variant may read of the base optimizers: momentum, learning rate and weight decay of each parameter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from torch import Tensor
from torch.optim import SGD, Optimizer

_BUFFERS = ("momentum_buffer", "exp_avg")
"""Where optimizers keep their momentum, or first moment: SGD and Muon; Adam's family and Lion."""
_WITH_MOMENTUM = frozenset({"SGD", "Adam", "AdamW", "RAdam", "Adamax", "Lion", "Muon"})
"""Classes whose buffer is known to be a mean of past gradients."""


class BaseView:
    """The base optimizers, by parameter; to be read, never written to."""

    def __init__(self, optimizers: Sequence[Optimizer]) -> None:
        self._optimizers = optimizers

    def momentum(self, parameter: Tensor) -> Tensor | None:
        """Its momentum or first moment, neither corrected for its start nor preconditioned; None before an update."""
        for optimizer in self._optimizers:
            state = optimizer.state.get(parameter, {})
            for name in _BUFFERS:
                if isinstance(state.get(name), Tensor):
                    found: Tensor = state[name]
                    return found
        return None

    def rates(self, parameters: Iterable[Tensor]) -> list[Any]:
        """Learning rate of each, a number or a tensor."""
        groups = self._groups()
        return [groups[id(parameter)][1]["lr"] for parameter in parameters]

    def coupled_decay(self, parameters: Iterable[Tensor]) -> list[float]:
        """The weight decay λ of each whose optimizer adds λw to the gradient; 0 where the decay is decoupled."""
        groups = self._groups()
        return [_coupled(*groups[id(parameter)]) for parameter in parameters]

    def check_momentum(self, name: str) -> None:
        """ValueError for a base optimizer along whose momentum variant `name` can't look."""
        for optimizer, group in self._pairs():
            kind = type(optimizer).__name__
            if kind not in _WITH_MOMENTUM:
                raise ValueError(
                    f"{name} looks along the base optimizer's momentum, and {kind} is not known to keep one; use one "
                    f"of {', '.join(sorted(_WITH_MOMENTUM))}"
                )
            if group.get("nesterov"):
                raise ValueError(f"{name} looks ahead itself, and {kind} does too: set nesterov to false")
            if not _momentum_of(group):
                raise ValueError(
                    f"{name} looks along the momentum, and that of {kind} is 0; use one above 0, such as 0.9"
                )

    def check_bare(self, name: str) -> None:
        """ValueError unless the base optimizer adds nothing to w ← w − lr·gradient."""
        for optimizer, group in self._pairs():
            found = [f"{key} = {group[key]}" for key in ("momentum", "weight_decay") if group.get(key)]
            found = found if isinstance(optimizer, SGD) else [type(optimizer).__name__]
            if found:
                raise ValueError(
                    f"{name} is an optimizer of its own, with momentum and decay (delta): its base must be SGD with "
                    f"momentum 0 and weight_decay 0, not {found[0]}"
                )

    def _pairs(self) -> Iterator[tuple[Optimizer, dict[str, Any]]]:
        return ((optimizer, group) for optimizer in self._optimizers for group in optimizer.param_groups)

    def _groups(self) -> dict[int, tuple[Optimizer, dict[str, Any]]]:
        return {id(parameter): pair for pair in self._pairs() for parameter in pair[1]["params"]}


def _coupled(optimizer: Optimizer, group: dict[str, Any]) -> float:
    coupled = isinstance(optimizer, SGD) or group.get("decoupled_weight_decay") is False
    return float(group.get("weight_decay", 0.0)) if coupled else 0.0


def _momentum_of(group: dict[str, Any]) -> float:
    return float(group["betas"][0] if "betas" in group else group.get("momentum", 0.0))
