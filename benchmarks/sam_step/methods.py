"""The steps that benchmarks/step.py compares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from bench.sam import SharpnessAware
from bench.sam.norms import norm_parameters
from bench.sam.stages import parameter_stages
from sam_step.workload import base_optimizer

Step = Callable[[], object]


def plain(model: nn.Module, inputs: Tensor, targets: Tensor) -> Step:
    """One step of the base optimizer."""
    optimizer = base_optimizer(model)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        functional.cross_entropy(model(inputs), targets).backward()
        optimizer.step()

    return step


def aware(
    scope: str | Callable[[nn.Module], list[str]], variant: str = "sam", decay: bool = True, **options: Any
) -> Callable[..., Step]:
    """A sharpness-aware step on a scope, or on parameters that depend on the model."""

    def build(model: nn.Module, inputs: Tensor, targets: Tensor) -> Step:
        names = scope if isinstance(scope, str) else scope(model)
        optimizer = base_optimizer(model) if decay else torch.optim.SGD(model.parameters(), lr=1e-3, foreach=True)
        method = SharpnessAware(model, optimizer, variant, names, 0.5, **options)
        method.start_epoch(0, 1, steps=1000)
        return lambda: method.step_batch(inputs, targets, functional.cross_entropy)

    return build


def late(scope: str, every: int) -> Callable[..., Step]:
    """A run of which one step in `every` is sharpness-aware: what late SAM costs on average."""

    def build(model: nn.Module, inputs: Tensor, targets: Tensor) -> Step:
        method = SharpnessAware(model, base_optimizer(model), "sam", scope, 0.5)

        def steps() -> None:
            for number in range(every):
                method.enabled = number == every - 1
                method.step_batch(inputs, targets, functional.cross_entropy)

        return steps

    return build


def stages(first: float) -> Callable[[nn.Module], list[str]]:
    """Norm layers of the network from a share of its blocks on: the last stages of a network with three."""
    return lambda model: _last_norms(model, first)


def _last_norms(model: nn.Module, first: float) -> list[str]:
    numbers = parameter_stages(model)
    start = 1 + first * max(numbers.values())
    return [name for name in norm_parameters(model) if numbers[name] >= start]


def last_block(model: nn.Module) -> list[str]:
    """Norm layers of the last block, and what follows it."""
    place = "stage3" if hasattr(model, "stage3") else "blocks"
    others = tuple(f"{place}.{number}." for number in range(len(getattr(model, place)) - 1))
    names = [name for name in norm_parameters(model) if name.startswith((place, "final", "norm"))]
    return [name for name in names if not name.startswith(others)]


@dataclass(frozen=True, kw_only=True)
class Method:
    """A step and what it may cost."""

    build: Callable[..., Step]
    at_most: float | None = None
    """Its time relative to that of `beside`, on the wide ResNets."""
    beside: str = "sgd"
    steps: int = 1
    """Steps that one call makes."""


_BSAM = {"data_size": 50_000.0, "delta": 1e-3}

METHODS: dict[str, Method] = {
    "sgd": Method(build=plain),
    "all": Method(build=aware("all"), at_most=2.03),
    "only_norm": Method(build=aware("only_norm"), at_most=1.72),
    "only_norm, last two thirds": Method(build=aware(stages(1 / 3)), at_most=1.50),
    "only_norm, last third": Method(build=aware(stages(2 / 3)), at_most=1.20),
    "only_norm, last block": Method(build=aware(last_block), at_most=1.12),
    "only_norm, bf16 ascent (approximate)": Method(build=aware("only_norm", ascent_dtype=torch.bfloat16)),
    "only_norm, ascent on half (approximate)": Method(build=aware("only_norm", ascent_share=0.5)),
    "msam": Method(build=aware("all", "msam"), at_most=1.05),
    "async_sam, recycled": Method(build=aware("all", "async_sam"), at_most=1.05),
    "only_norm, in one step of eight": Method(build=late("only_norm", 8), at_most=1.10, steps=8),
    "k_sam, half of the samples": Method(build=aware("all", "k_sam"), at_most=1.40),
    "friendly": Method(build=aware("all", "friendly"), at_most=1.03, beside="all"),
    "vasso": Method(build=aware("all", "vasso"), at_most=1.03, beside="all"),
    "stable_sam": Method(build=aware("all", "stable_sam"), at_most=1.03, beside="all"),
    "friendly on only_norm": Method(build=aware("only_norm", "friendly"), at_most=1.03, beside="only_norm"),
    "vasso on only_norm": Method(build=aware("only_norm", "vasso"), at_most=1.03, beside="only_norm"),
    "stable_sam on only_norm, norms over it": Method(
        build=aware("only_norm", "stable_sam", settings={"norm_over": "scope"}), at_most=1.03, beside="only_norm"
    ),
    "wsam": Method(build=aware("all", "wsam")),
    "gcsam": Method(build=aware("all", "gcsam")),
    "zsharp": Method(build=aware("all", "zsharp")),
    "unified_sam": Method(build=aware("all", "unified_sam")),
    "ae_sam, every step": Method(build=aware("all", "ae_sam", settings={"threshold_start": -9.0})),
    "ae_sam, no step": Method(build=aware("all", "ae_sam", settings={"threshold_start": 9.0, "threshold_end": 9.0})),
    "bsam": Method(build=aware("all", "bsam", decay=False, settings=_BSAM)),
}
"""What is measured."""
