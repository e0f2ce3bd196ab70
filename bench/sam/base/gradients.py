"""`.grad` between steps: what a step must neither add to nor leave behind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from torch import Tensor

_LEFT = "_left_by_a_step"
"""Attribute of a gradient that a step left: its version then."""


def drop(parameters: Iterable[Tensor]) -> None:
    """Before a step that is alone with its parameters; as an optimizer's `zero_grad`, without its profiling."""
    for parameter in parameters:
        parameter.grad = None


def clear(parameters: Iterable[Tensor], *, accumulate: bool) -> None:
    """Before a step: drop what the last one left. ValueError for gradients of others, unless they are wanted."""
    for parameter in parameters:
        gradient = parameter.grad
        if gradient is None:
            continue
        if getattr(gradient, _LEFT, None) == gradient._version:
            parameter.grad = None
        elif not accumulate:
            raise ValueError(
                "a parameter has a gradient before the step, which would drop it: the step runs both passes "
                "itself, so don't call backward (nor zero_grad(set_to_none=False)) between steps; to add to "
                "gradients that you accumulated at w, pass accumulate=True"
            )


def leave(parameters: Iterable[Tensor]) -> None:
    """After a step: what is there now is ours, as long as nothing writes to it."""
    for parameter in parameters:
        if parameter.grad is not None:
            setattr(parameter.grad, _LEFT, parameter.grad._version)


@contextmanager
def untouched(parameters: Sequence[Tensor]) -> Iterator[None]:
    """Put the gradients of these parameters back on leaving, for they are not ours to fill."""
    before = [parameter.grad for parameter in parameters]
    for parameter in parameters:
        parameter.grad = None
    try:
        yield
    finally:
        for parameter, gradient in zip(parameters, before, strict=True):
            parameter.grad = gradient


Mark = tuple[int, int] | None


def marks(parameters: Iterable[Tensor]) -> list[Mark]:
    """What tells whether a backward pass has reached a parameter since."""
    found = (parameter.grad for parameter in parameters)
    return [None if gradient is None else (id(gradient), gradient._version) for gradient in found]
