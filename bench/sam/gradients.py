"""`.grad` between steps: whose it is, and what a step must neither add to nor leave behind."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from torch import Tensor


class Gradients:
    """The gradients of the optimizers' parameters from step to step, told apart on the host alone."""

    def __init__(self) -> None:
        self._left: dict[int, tuple[weakref.ref[Tensor], int]] = {}

    def clear(self, parameters: Sequence[Tensor], *, accumulate: bool) -> None:
        """Before a step: drop what the last one left. ValueError for gradients of others, unless they are wanted."""
        for parameter in parameters:
            gradient = parameter.grad
            if gradient is None or (accumulate and not self._ours(parameter, gradient)):
                continue
            if not self._ours(parameter, gradient):
                raise ValueError(
                    "a parameter has a gradient before the step, which would drop it: the step runs both passes "
                    "itself, so don't call backward (nor zero_grad(set_to_none=False)) between steps; to add to "
                    "gradients that you accumulated at w, pass accumulate=True"
                )
            parameter.grad = None

    def leave(self, parameters: Iterable[Tensor]) -> None:
        """After a step: what is there now is ours."""
        self._left = {
            id(parameter): (weakref.ref(parameter.grad), parameter.grad._version)
            for parameter in parameters
            if parameter.grad is not None
        }

    def _ours(self, parameter: Tensor, gradient: Tensor) -> bool:
        reference, version = self._left.get(id(parameter), (None, -1))
        return reference is not None and reference() is gradient and gradient._version == version


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
