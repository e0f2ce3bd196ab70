"""Which parameters are trained and which decay: axes beside the scope (Müller et al. 2023, App. B.7, B.8)."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import torch
from torch import nn

from bench.sam.norms import norm_parameters
from bench.sam.settings import one_of

Parameters = dict[str, nn.Parameter]


def _freeze_nothing(model: nn.Module, norm: Parameters) -> None:
    pass


def _freeze_norm(model: nn.Module, norm: Parameters) -> None:
    with torch.no_grad():
        for name, parameter in norm.items():
            parameter.fill_(1.0 if name.endswith("weight") else 0.0)
            parameter.requires_grad_(False)


def _freeze_the_rest(model: nn.Module, norm: Parameters) -> None:
    for name, parameter in model.named_parameters():
        if name not in norm:
            parameter.requires_grad_(False)


TRAINABLE: dict[str, Callable[[nn.Module, Parameters], None]] = {
    "all": _freeze_nothing,
    "freeze_norm": _freeze_norm,
    "only_norm": _freeze_the_rest,
}
"""`freeze_norm` fixes γ = 1 and β = 0 of every norm layer; `only_norm` trains nothing but norm layers."""


def _matrices(model: nn.Module, norm: Parameters) -> set[str]:
    """As timm's training script chooses: no tensor of one dimension, no bias, and nothing that the model exempts."""
    exempt: set[str] = getattr(model, "no_weight_decay", set)()
    named = model.named_parameters()
    return {name for name, p in named if p.ndim > 1 and not name.endswith(".bias") and name not in exempt}


DECAYS: dict[str, Callable[[nn.Module, Parameters], Collection[str]]] = {
    "all": lambda model, norm: dict(model.named_parameters()),
    "no_norm": lambda model, norm: dict(model.named_parameters()).keys() - norm,
    "matrices": _matrices,
    "none": lambda model, norm: (),
}
"""Names of the parameters that are subject to weight decay."""


def set_trainable(model: nn.Module, trainable: str, norm_rule: str = "type") -> None:
    """Freeze what isn't trained, in place; before the optimizer and `SharpnessAware` are made.

    trainable: a key of TRAINABLE. ValueError for another, and for a model without norm layers where it is
    about them.
    """
    freeze = TRAINABLE[one_of("trainable", trainable, tuple(TRAINABLE))]
    norm = norm_parameters(model, norm_rule)
    if freeze is not _freeze_nothing and not norm:
        raise ValueError(
            f"trainable: {trainable}: {type(model).__name__} has no normalization layer with parameters by "
            f"norm_rule {norm_rule!r}; use trainable: all"
        )
    freeze(model, norm)


def parameter_groups(
    model: nn.Module, weight_decay: float, weight_decay_on: str = "all", norm_rule: str = "type"
) -> list[dict[str, Any]]:
    """Parameter groups for a torch optimizer: the trainable parameters that decay, and those that don't.

    weight_decay_on: a key of DECAYS, ValueError for another. A group without parameters is left out.
    """
    decays = DECAYS[one_of("weight_decay_on", weight_decay_on, tuple(DECAYS))]
    decaying = decays(model, norm_parameters(model, norm_rule))
    trainable = {name: p for name, p in model.named_parameters() if p.requires_grad}
    decayed = [p for name, p in trainable.items() if name in decaying]
    others = [p for name, p in trainable.items() if name not in decaying]
    groups = [{"params": decayed, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]
    return [group for group in groups if group["params"]]
