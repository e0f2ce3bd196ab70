"""The shared prefix: what lies before the first perturbed tensor is computed once for both passes.

A model with `segments()` is a chain. If the first k segments hold nothing perturbed, then
    h = prefix(x);  ascent on tail(h.detach());  w ← w + ε;  descent by tail(h).backward()
gives the numbers of two full passes. The prefix's graph is used once, by the descent, so nothing is retained.
Norm layers of the prefix advance as by two passes if the second counts (`bn_stats: both`).

A segment must not change its input in place, and keep no state but running statistics of norm layers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from bench.sam.passes.ascent import GradientsOf
from bench.sam.passes.noise import Noise
from bench.sam.passes.precision import AscentPrecision
from bench.sam.passes.running_stats import countable, counted_twice, tracking_layers, unchanged
from bench.sam.stages import chain, has_chain


class _Held(NamedTuple):
    activations: Tensor
    version: int
    noise: Noise


class SharedPrefix:
    """Stands in for the model's `forward` during the two passes of a step."""

    def __init__(self, model: nn.Module, precision: AscentPrecision, *, twice: bool) -> None:
        self._model = model
        self._gradients = GradientsOf((), ())
        self._precision = precision
        self._layers = tracking_layers(model)
        self._twice = twice
        self._start: int | None = None
        self._held: deque[_Held] = deque()

    @contextmanager
    def first_pass(self, gradients: GradientsOf) -> Iterator[None]:
        """Inside, calling the model holds the prefix with its graph, and goes on from a detached copy."""
        self._gradients = gradients
        self._held.clear()
        with self._forward(self._first):
            yield

    def forget(self) -> None:
        """Find anew what lies before the first perturbed tensor, which may be another now."""
        self._start = None

    @contextmanager
    def second_pass(self) -> Iterator[None]:
        """Inside, calling the model goes on from what the first pass held."""
        with self._forward(self._second):
            yield
        self._held.clear()

    @staticmethod
    def applies_to(model: nn.Module) -> bool:
        """Whether calling `model` runs its chain: not if its call was compiled or its forward replaced.

        Nor if a layer of the user's own keeps statistics, which one run can't move as two would.
        """
        compiled = getattr(model, "_compiled_call_impl", None) is not None
        known = all(countable(layer) for layer in tracking_layers(model))
        return has_chain(model) and known and not compiled and "forward" not in vars(model)

    @contextmanager
    def _forward(self, forward: Callable[[Tensor], Tensor]) -> Iterator[None]:
        # Whoever calls the model, a closure or DDP, keeps calling it, with its hooks.
        vars(self._model)["forward"] = forward
        try:
            yield
        finally:
            del vars(self._model)["forward"]

    def _first(self, inputs: Tensor) -> Tensor:
        start = self._find_start(inputs)
        if start == 0:
            return self._run(inputs, 0, None)
        with self._gradients.everything(), self._precision.usual(), self._counted():
            activations = self._run(inputs, 0, start)
        self._held.append(_Held(activations, activations._version, Noise.now(inputs.device)))
        return self._run(activations.detach(), start, None)

    def _second(self, inputs: Tensor) -> Tensor:
        start = self._find_start(inputs)
        if start == 0:
            return self._run(inputs, 0, None)
        held = self._held.popleft()
        if held.activations._version != held.version:
            raise RuntimeError(
                f"{type(self._model).__name__}: a segment changed its input in place; "
                "segments() must not, because both passes start from that input"
            )
        held.noise.repeat()
        return self._run(held.activations, start, None)

    def _counted(self) -> Any:
        return counted_twice(self._layers) if self._twice else nullcontext()

    def _run(self, activations: Tensor, start: int, stop: int | None) -> Tensor:
        for _, module in chain(self._model)[start:stop]:
            activations = module(activations)
        return activations

    def _find_start(self, inputs: Tensor) -> int:
        """Number of segments before the first that uses a perturbed tensor; found once, by running them."""
        if self._start is None:
            noise = Noise.now(inputs.device)
            # Called within the first pass, where only perturbed tensors make an output require a gradient.
            with unchanged(self._layers), torch.enable_grad():
                self._start = self._untouched(inputs)
            noise.repeat()
        return self._start

    def _untouched(self, activations: Tensor) -> int:
        for place, (_, module) in enumerate(chain(self._model)):
            activations = module(activations)
            if activations.requires_grad:
                return place
        return 0
