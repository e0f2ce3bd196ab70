"""SGD, AdamW and Lion as torch and timm have them; torch's without its compiler.

torch's optimizers load the compiler only to tell it to leave them alone, which takes a process as long as loading torch
itself, 2 s, and 150 MB of memory. The updates here are the same to the bit: only wrappers of methods are left out.
"""

from __future__ import annotations

import inspect
from functools import cache
from typing import Any, TypeVar, cast

import torch
from torch.optim import SGD, AdamW, Optimizer

Groups = list[dict[str, Any]]
T = TypeVar("T", bound=Optimizer)
_GUARDED = ("add_param_group", "load_state_dict", "state_dict", "zero_grad")
"""Methods that torch hides from its compiler."""


def sgd(groups: Groups, *, lr: float, momentum: float, nesterov: bool, fused: bool = False) -> Optimizer:
    """torch's SGD, all tensors of a step in one foreach call, or in one fused one."""
    # Fused, a skipped update costs nothing, but the momentum is rounded otherwise, and a training goes other ways.
    optimizer = uncompiled(SGD)(groups, lr=lr, momentum=momentum, nesterov=nesterov, foreach=not fused, fused=fused)
    for parameter in (each for group in groups for each in group["params"]) if fused and momentum else ():
        # If the first update is skipped, torch goes on with a momentum that nobody has written.
        optimizer.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
    return optimizer


def adamw(groups: Groups, *, lr: float, beta1: float, beta2: float, eps: float) -> Optimizer:
    """torch's AdamW, all tensors of a step in one fused call."""
    return uncompiled(AdamW)(groups, lr=lr, betas=(beta1, beta2), eps=eps, fused=True)


def lion(groups: Groups, *, lr: float, beta1: float, beta2: float) -> Optimizer:
    """timm's Lion, all tensors of a step in one foreach call."""
    from timm.optim.lion import Lion

    optimizer: Optimizer = Lion(groups, lr=lr, betas=(beta1, beta2), foreach=True)
    return optimizer


@cache
def uncompiled(optimizer: type[T]) -> type[T]:
    """The class of torch, to be used where nothing compiles it; one can't differentiate through its steps."""
    # What its state is like is known by its name.
    named = {"__module__": optimizer.__module__, "__qualname__": optimizer.__qualname__}
    methods: dict[str, Any] = named | {name: inspect.unwrap(getattr(optimizer, name)) for name in _GUARDED}
    methods["step"] = torch.no_grad()(inspect.unwrap(optimizer.step))
    return cast("type[T]", type(optimizer.__name__, (optimizer,), methods))
