"""Which parameters belong to normalization layers (SAM-ON's subject).

By type: every class of torch, torchvision and timm that normalizes activations. By name: the rule of the
SAM-ON authors' code, "norm" or "bn" in the parameter's name, which misses shortcut norms called `shortcut.1`
or `downsample.1`; it is kept for comparison with their numbers.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

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


def _by_type(model: nn.Module) -> dict[str, nn.Parameter]:
    found = {}
    for prefix, module in model.named_modules():
        if is_norm(module):
            # Its own parameters only: timm's norm-and-activation layers contain an activation.
            own = module.named_parameters(prefix=prefix, recurse=False)
            found.update(own)
    return found


def _by_name(model: nn.Module) -> dict[str, nn.Parameter]:
    return {name: p for name, p in model.named_parameters() if "norm" in name or "bn" in name}


NORM_RULES: dict[str, Callable[[nn.Module], dict[str, nn.Parameter]]] = {"type": _by_type, "name": _by_name}


def norm_parameters(model: nn.Module, rule: str = "type") -> dict[str, nn.Parameter]:
    """γ and β of all normalization layers, by parameter name, frozen ones too.

    `rule` is a key of NORM_RULES; ValueError otherwise.
    """
    if rule not in NORM_RULES:
        raise ValueError(f"norm_rule {rule!r}: there are {', '.join(NORM_RULES)}")
    return NORM_RULES[rule](model)
