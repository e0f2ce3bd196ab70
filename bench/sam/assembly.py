"""Puts a variant and a scope together for a model and an optimizer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer

from bench.registry import Scalar
from bench.sam.context import Context
from bench.sam.names import parse_scope
from bench.sam.norms import NormRule, check_rule
from bench.sam.registry import SCOPES, VARIANTS
from bench.sam.scopes.named import Named
from bench.sam.scopes.scope import Scope
from bench.sam.settings import one_of, resolve
from bench.sam.supported import check_held, check_model, check_optimizers, check_sparse
from bench.sam.variants.declared import check_hooks
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
    context: Context, variant: str, scope: str | Iterable[str], settings: Mapping[str, Scalar]
) -> tuple[Variant, Scope]:
    """The two objects. ValueError for unknown names and settings, and for a scope without parameters."""
    name = parse_scope(scope)[0] if isinstance(scope, str) else ""
    entries = {variant: VARIANTS[variant]} | ({name: SCOPES[name]} if name else {})
    values = resolve(entries, settings)
    built = VARIANTS[variant].load()(context, **values[variant])
    place = SCOPES[name].load()(context, **values[name]) if name else Named(context, names=scope)
    check_hooks(built, variant)
    built.scope = place
    check_sparse(context, built, place, variant)
    return built, place


def context_of(
    model: nn.Module,
    optimizer: Optimizer | Sequence[Optimizer],
    variant: str,
    scope: str | Iterable[str],
    *,
    norm_rule: NormRule,
    seed: int,
) -> Context:
    """What variant and scope will look at. ValueError for what can't be trained with this step."""
    check_model(model)
    optimizers = check_optimizers(optimizer)
    one_of("variant", variant, tuple(VARIANTS))
    check_rule(norm_rule)
    stages = parse_scope(scope)[1] if isinstance(scope, str) else ()
    bare, _ = unwrap(model)
    context = Context(model=bare, optimizers=optimizers, norm_rule=norm_rule, stages=stages, seed=seed)
    check_held(context)
    return context
