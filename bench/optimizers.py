"""OPTIMIZERS: the base optimizers, whose update follows the ascent step or stands alone.

Each is a function of parameter groups, which carry their own weight decay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Ge, Gt, Lt

from bench.registry import OptimizerEntry, Setting

if TYPE_CHECKING:
    from torch.optim import Optimizer

Groups = list[dict[str, Any]]
_UNIT = Annotated[float, Ge(0), Lt(1)]

OPTIMIZERS: dict[str, OptimizerEntry] = {
    "sgd": OptimizerEntry(
        target="bench.optimizers:sgd",
        summary="SGD with momentum, heavy-ball or Nesterov's",
        momentum="momentum",
        descends=True,
        settings={
            "momentum": Setting(type=_UNIT, default=0.9, summary="momentum"),
            "nesterov": Setting(type=bool, default=False, summary="whether the momentum is Nesterov's"),
        },
    ),
    "adamw": OptimizerEntry(
        target="bench.optimizers:adamw",
        summary="AdamW",
        source="Loshchilov and Hutter 2019",
        momentum="beta1",
        settings={
            "beta1": Setting(type=_UNIT, default=0.9, summary="decay of the first moment"),
            "beta2": Setting(type=_UNIT, default=0.999, summary="decay of the second moment"),
            "eps": Setting(type=Annotated[float, Gt(0)], default=1e-8, summary="added to the denominator"),
        },
    ),
    "lion": OptimizerEntry(
        target="bench.optimizers:lion",
        summary="Lion: the sign of a moving average",
        source="Chen et al. 2023",
        momentum="beta2",
        settings={
            "beta1": Setting(type=_UNIT, default=0.9, summary="weight of the momentum in the update"),
            "beta2": Setting(type=_UNIT, default=0.99, summary="decay of the momentum"),
        },
    ),
}


def sgd(groups: Groups, *, lr: float, momentum: float, nesterov: bool) -> Optimizer:
    """torch's SGD, all tensors of a step in one foreach call."""
    from torch.optim import SGD

    return SGD(groups, lr=lr, momentum=momentum, nesterov=nesterov, foreach=True)


def adamw(groups: Groups, *, lr: float, beta1: float, beta2: float, eps: float) -> Optimizer:
    """torch's AdamW, all tensors of a step in one fused call."""
    from torch.optim import AdamW

    return AdamW(groups, lr=lr, betas=(beta1, beta2), eps=eps, fused=True)


def lion(groups: Groups, *, lr: float, beta1: float, beta2: float) -> Optimizer:
    """timm's Lion, all tensors of a step in one foreach call."""
    from timm.optim.lion import Lion

    optimizer: Optimizer = Lion(groups, lr=lr, betas=(beta1, beta2), foreach=True)
    return optimizer
