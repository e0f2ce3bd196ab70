"""Compiled code for the steps on full batches, which take most of the time. All else runs as it is written.

torch keeps compiled code for a process, by the function and the shapes that it is for. The next trial with a network of
the same shape finds it there, whatever its weights, so that a worker compiles for its first trial only. Two things are
up to us. Code is made for the shapes at hand and no others (`dynamic=False`): else it would depend on which other
shapes the process had seen before, and rounding with it. And what no step can earn back isn't compiled: the odd last
batch of an epoch, and evaluation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import nn

_VERSIONS = 256
"""Of one function, by shape and by which gradients are wanted; torch's own 8 are fewer than ResNet-18 has in SAM."""


class CompiledParts:
    """A model whose parts run compiled code, but only within `used`."""

    def __init__(self, model: nn.Module) -> None:
        # Not at the top: the compiler takes seconds to import, and most trials don't need it.
        from torch._dynamo import config

        config.recompile_limit = config.accumulated_recompile_limit = _VERSIONS
        self._used = False
        # The links of its chain one by one, so that both passes can still share its start.
        parts = [part for _, part in getattr(model, "segments", list)() if isinstance(part, nn.Module)]
        for part in parts or [model]:
            compiled = torch.compile(part._call_impl, dynamic=False)
            # As `Module.compile` does; copies of the model and its state are without it.
            part._compiled_call_impl = partial(self._call, part._call_impl, compiled)

    @contextmanager
    def used(self, when: bool) -> Iterator[None]:
        """Inside, the parts run compiled code, if at all."""
        self._used = when
        try:
            yield
        finally:
            self._used = False

    def _call(self, plain: Callable[..., Any], compiled: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return (compiled if self._used else plain)(*args, **kwargs)
