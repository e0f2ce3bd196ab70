"""What the step can't train: refused at construction, with the reason and the way out."""

from __future__ import annotations

import inspect
from typing import Any

from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer

from bench.sam.context import Context
from bench.sam.scopes.scope import Scope
from bench.sam.variants.variant import Variant


def check_model(model: Any) -> None:
    """ValueError for a class instead of a model, and for wrappers whose parts can't be perturbed rightly."""
    if not isinstance(model, nn.Module):
        raise ValueError(f"model = {_shown(model)}: give the network itself, an instance of torch.nn.Module")
    if any(_is_sharded(module) for module in model.modules()) or any(_is_sharded(p) for p in model.parameters()):
        raise ValueError(
            "the model is sharded (FSDP or DTensor): its processes hold parts of tensors, so that norms of the "
            "gradient would be of parts too; use DistributedDataParallel, which fits a model that one device holds"
        )
    if any(isinstance(module, DistributedDataParallel) and module.static_graph for module in model.modules()):
        raise ValueError(
            "DistributedDataParallel(static_graph=True) expects every backward pass to be the same, and the two of "
            "a step differ; leave static_graph out"
        )


def check_optimizers(given: Any) -> tuple[Optimizer, ...]:
    """The base optimizers, one or several. ValueError for those that the step can't update the weights by."""
    optimizers = tuple(given) if isinstance(given, list | tuple) else (given,)
    if not optimizers:
        raise ValueError("no optimizer: give one, or a list of them")
    for optimizer in optimizers:
        if not isinstance(optimizer, Optimizer):
            raise ValueError(
                f"optimizer = {_shown(optimizer)}: give an instance, as in torch.optim.SGD(model.parameters(), lr=0.1)"
            )
        closure = inspect.signature(type(optimizer).step).parameters.get("closure")
        if closure is not None and closure.default is inspect.Parameter.empty:
            raise ValueError(
                f"{type(optimizer).__name__} evaluates the loss itself, several times an update, and would do so at w "
                "instead of w + ε; use an optimizer that updates from gradients, such as SGD or AdamW"
            )
    return optimizers


def check_held(context: Context) -> None:
    """ValueError unless the optimizers hold something that trains."""
    name, own = type(context.model).__name__, dict(context.model.named_parameters())
    if not any(p.requires_grad for p in context.model.parameters()) and not context.trainable:
        raise ValueError(f"{name} has no parameter that requires a gradient")
    if not any(name in own for name in context.trainable):
        raise ValueError(
            f"the optimizer holds none of the trainable parameters of {name}: make it of model.parameters(), after "
            "the model is on its device"
        )


def check_sparse(context: Context, variant: Variant, scope: Scope, name: str) -> None:
    """ValueError where a layer gives sparse gradients of the scope, and the variant can't use them."""
    if variant.takes_sparse and not hasattr(scope, "masks"):
        return
    perturbed = {id(p) for p in (context.trainable if variant.full_gradient else scope.tensors).values()}
    for path, module in context.model.named_modules():
        if getattr(module, "sparse", False) is True and any(id(p) in perturbed for p in module.parameters()):
            raise ValueError(
                f"{path or type(module).__name__} gives sparse gradients, which {name} on this scope can't "
                "use; make it with sparse=False, leave it out of the scope, or use variant sam with scope all"
            )


def _is_sharded(part: object) -> bool:
    return any(
        base.__module__.startswith(("torch.distributed.fsdp", "torch.distributed.tensor", "torch.distributed._tensor"))
        for base in type(part).__mro__
    )


def _shown(value: object) -> str:
    return f"the class {value.__name__}" if isinstance(value, type) else f"a {type(value).__name__}"
