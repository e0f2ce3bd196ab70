"""Which parameters belong to normalization layers (SAM-ON's subject).

By type: every class of torch, torchvision and timm that normalizes activations. By name: the rule of the
SAM-ON authors' code, "norm" or "bn" in the parameter's name, which misses shortcut norms called `shortcut.1`
or `downsample.1`; it is kept for comparison with their numbers. Layers of a user's own aren't known by type: the
rule may name their classes, tell them by a function, or match the names of parameters.
"""

from __future__ import annotations

import fnmatch
import warnings
from collections.abc import Callable

from torch import nn

NormRule = str | type[nn.Module] | tuple[type[nn.Module], ...] | Callable[[nn.Module], bool]
"""`type`, `name`, a pattern of parameter names with `*`, classes beside the known ones, or whether a module is one."""

_TORCH_NORMS = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)

_NORM_FILES = frozenset(
    f"timm.layers.{name}" for name in ("norm", "norm_act", "evo_norm", "filter_response_norm", "grn", "inplace_abn")
)
"""timm's files of norm classes. Compared by name, so that timm needn't be imported."""


def is_norm(module: nn.Module) -> bool:
    """Whether `module` is a normalization layer by its type, or by that of an ancestor."""
    if isinstance(module, _TORCH_NORMS):
        return True
    return any(base.__module__ in _NORM_FILES for base in type(module).__mro__)


def looks_like_norm(module: nn.Module) -> bool:
    """Whether an unknown layer may be a norm layer: its class is named like one, and its parameters are vectors."""
    if any(True for _ in module.children()):
        return False
    own = list(module.parameters(recurse=False))
    name = type(module).__name__.lower()
    named = "norm" in name or name == "affine"
    return named and bool(own) and not is_norm(module) and all(max(p.shape, default=1) == p.numel() for p in own)


def _of(model: nn.Module, belongs: Callable[[nn.Module], bool]) -> dict[str, nn.Parameter]:
    found = {}
    for prefix, module in model.named_modules():
        if belongs(module):
            # Its own parameters only: timm's norm-and-activation layers contain an activation.
            own = module.named_parameters(prefix=prefix, recurse=False)
            found.update(own)
    return found


def _by_type(model: nn.Module) -> dict[str, nn.Parameter]:
    return _of(model, is_norm)


def _by_name(model: nn.Module) -> dict[str, nn.Parameter]:
    missed: tuple[str, ...] | None = getattr(model, "missed_by_name", None)
    if missed is not None:
        # A network of ours stands for one of the authors, whose names differ.
        return {name: p for name, p in _by_type(model).items() if not any(part in name for part in missed)}
    return {name: p for name, p in model.named_parameters() if "norm" in name or "bn" in name}


NORM_RULES: dict[str, Callable[[nn.Module], dict[str, nn.Parameter]]] = {"type": _by_type, "name": _by_name}


def norm_parameters(model: nn.Module, rule: NormRule = "type") -> dict[str, nn.Parameter]:
    """γ and β of all normalization layers, by parameter name, frozen ones too. ValueError for an unknown rule."""
    check_rule(rule)
    if isinstance(rule, str):
        found = NORM_RULES.get(rule)
        if found is not None:
            return found(model)
        return {name: p for name, p in model.named_parameters() if fnmatch.fnmatchcase(name, rule)}
    if isinstance(rule, type | tuple):
        return _of(model, lambda module: is_norm(module) or isinstance(module, rule))
    return _of(model, rule)


def check_rule(rule: NormRule) -> None:
    """ValueError for a word that is neither a rule nor a pattern."""
    if isinstance(rule, str) and rule not in NORM_RULES and "*" not in rule:
        raise ValueError(
            f"norm_rule {rule!r}: there are {', '.join(NORM_RULES)}, and patterns of parameter names with a *"
        )


def warn_of_others(model: nn.Module, rule: NormRule) -> None:
    """Warn of layers that look like norm layers but are of no type that the rule `type` knows."""
    if rule != "type":
        return
    others = sorted({type(module).__name__ for module in model.modules() if looks_like_norm(module)})
    if others:
        warnings.warn(
            f"by norm_rule 'type', {', '.join(others)} of {type(model).__name__} don't count as normalization layers; "
            "if they are, give norm_rule their classes, a function of a module, or a pattern of parameter names",
            stacklevel=2,
        )
