"""The steps that benchmarks/step.py compares."""

from __future__ import annotations

from collections.abc import Callable
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


def aware(scope: str | Callable[[nn.Module], list[str]], **options: Any) -> Callable[..., Step]:
    """A sharpness-aware step on a scope, or on parameters that depend on the model."""

    def build(model: nn.Module, inputs: Tensor, targets: Tensor) -> Step:
        names = scope if isinstance(scope, str) else scope(model)
        method = SharpnessAware(model, base_optimizer(model), "sam", names, 0.5, **options)
        return lambda: method.step_batch(inputs, targets, functional.cross_entropy)

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
    blocks = model.stage3 if hasattr(model, "stage3") else model.blocks
    place = "stage3" if hasattr(model, "stage3") else "blocks"
    others = tuple(f"{place}.{number}." for number in range(len(blocks) - 1))
    names = [name for name in norm_parameters(model) if name.startswith((place, "final", "norm"))]
    return [name for name in names if not name.startswith(others)]


METHODS: dict[str, tuple[Callable[..., Step], float | None]] = {
    "sgd": (plain, None),
    "all": (aware("all"), 2.03),
    "only_norm": (aware("only_norm"), 1.72),
    "only_norm, last two thirds": (aware(stages(1 / 3)), 1.50),
    "only_norm, last third": (aware(stages(2 / 3)), 1.20),
    "only_norm, last block": (aware(last_block), 1.12),
    "only_norm, bf16 ascent (approximate)": (aware("only_norm", ascent_dtype=torch.bfloat16), None),
    "only_norm, ascent on half (approximate)": (aware("only_norm", ascent_share=0.5), None),
}
"""What is measured, and the ratio that it must not exceed on the wide ResNets."""
