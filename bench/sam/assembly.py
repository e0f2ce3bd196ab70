"""Puts a variant and a scope together for a model and an optimizer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer

from bench.registry import Scalar
from bench.sam.context import Context
from bench.sam.names import parse_scope
from bench.sam.norms import NORM_RULES
from bench.sam.registry import SCOPES, VARIANTS
from bench.sam.scopes.named import Named
from bench.sam.scopes.scope import Scope
from bench.sam.settings import one_of, resolve
from bench.sam.variants.variant import Variant


def unwrap(model: nn.Module) -> tuple[nn.Module, bool]:
    """The module inside the wrappers of DDP and torch.compile, and whether there was one of torch.compile."""
    compiled = False
    while True:
        if isinstance(model, DistributedDataParallel):
            model = model.module
        elif (inner := getattr(model, "_orig_mod", None)) is not None:
            # Asking for the class would import the compiler, seconds that most runs don't need.
            model, compiled = inner, True
        else:
            return model, compiled


def build(
    model: nn.Module,
    optimizer: Optimizer,
    variant: str,
    scope: str | Iterable[str],
    settings: Mapping[str, Scalar],
    *,
    norm_rule: str,
    seed: int,
) -> tuple[Variant, Scope]:
    """The two objects. ValueError for unknown names and settings, and for a scope without parameters."""
    one_of("variant", variant, tuple(VARIANTS))
    one_of("norm_rule", norm_rule, tuple(NORM_RULES))
    name, stages = parse_scope(scope) if isinstance(scope, str) else ("", ())
    entries = {variant: VARIANTS[variant]} | ({name: SCOPES[name]} if name else {})
    values = resolve(entries, settings)
    context = _context(model, optimizer, stages, norm_rule, seed)
    built = VARIANTS[variant].load()(context, **values[variant])
    place = SCOPES[name].load()(context, **values[name]) if name else Named(context, names=scope)
    return built, place


def _context(model: nn.Module, optimizer: Optimizer, stages: tuple[int, ...], norm_rule: str, seed: int) -> Context:
    bare, _ = unwrap(model)
    trainable = {name: p for name, p in bare.named_parameters() if p.requires_grad}
    if not trainable:
        raise ValueError(f"{type(bare).__name__} has no parameter that requires a gradient")
    return Context(model=bare, optimizer=optimizer, trainable=trainable, norm_rule=norm_rule, stages=stages, seed=seed)
