"""Dropout on normalization layers only (Müller et al. 2023, App. B.9).

The paper gives neither rate nor mechanism. Ours are two: in every forward pass in train mode each entry of γ and β,
or of what the layer gives, is dropped with probability p and the others grow by 1/(1−p), so that the mean is kept;
both passes of a sharpness-aware step see the same entries dropped. The parameters keep their names, and evaluation
is untouched.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn
from torch.nn import functional

from bench.sam.norms import norm_parameters
from bench.sam.settings import one_of


class _ParameterDropout:
    """Hooks of one module: its forward pass sees dropped copies in place of its parameters."""

    def __init__(self, names: list[str], p: float) -> None:
        self._names = names
        self._p = p
        self._own: dict[str, nn.Parameter] = {}

    def before(self, module: nn.Module, inputs: Any) -> None:
        """Put the dropped copies in place."""
        if not module.training:
            return
        # Through the module's own table: assigning a plain tensor to a parameter's attribute is refused.
        held = vars(module)["_parameters"]
        self._own = {name: held[name] for name in self._names}
        for name, parameter in self._own.items():
            held[name] = functional.dropout(parameter, self._p)

    def after(self, module: nn.Module, inputs: Any, outputs: Any) -> None:
        """Put the parameters back, whatever the forward pass did."""
        vars(module)["_parameters"].update(self._own)
        self._own = {}


def _drop_parameters(layer: nn.Module, names: list[str], p: float) -> None:
    hooks = _ParameterDropout(names, p)
    layer.register_forward_pre_hook(hooks.before)
    layer.register_forward_hook(hooks.after, always_call=True)


def _drop_output(layer: nn.Module, names: list[str], p: float) -> None:
    def after(module: nn.Module, inputs: Any, output: Any) -> Any:
        return functional.dropout(output, p, training=module.training)

    layer.register_forward_hook(after)


DROPS: dict[str, Callable[[nn.Module, list[str], float], None]] = {
    "parameters": _drop_parameters,
    "output": _drop_output,
}
"""What dropout is on: γ and β of a layer, or its output."""


def add_norm_dropout(model: nn.Module, p: float, on: str = "parameters", norm_rule: str = "type") -> None:
    """Give every norm layer of `model` dropout of probability `p`; 0 changes nothing.

    on: a key of DROPS. ValueError for another, unless 0 ≤ p < 1, and for a model without norm layers.
    """
    drop = DROPS[one_of("norm_dropout_on", on, tuple(DROPS))]
    if not 0 <= p < 1:
        raise ValueError(f"norm_dropout = {p!r}: a probability of at least 0 and below 1")
    if p == 0:
        return
    layers = _layers(model, set(norm_parameters(model, norm_rule)))
    if not layers:
        raise ValueError(
            f"norm_dropout = {p}: {type(model).__name__} has no normalization layer with parameters by "
            f"norm_rule {norm_rule!r}; use norm_dropout: 0"
        )
    for layer, names in layers:
        drop(layer, names, p)


def _layers(model: nn.Module, norm: set[str]) -> list[tuple[nn.Module, list[str]]]:
    """The norm layers, each with the names of its own parameters."""
    found = []
    for prefix, module in model.named_modules():
        own = module.named_parameters(prefix=prefix, recurse=False)
        names = [name.rpartition(".")[2] for name, _ in own if name in norm]
        if names:
            found.append((module, names))
    return found
