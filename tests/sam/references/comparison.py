"""The fast step beside the slow one: the largest difference that a few steps of both leave."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional

from bench.sam import VARIANTS, SharpnessAware
from bench.sam.norms import norm_parameters
from bench.sam.stages import parameter_stages
from tests.sam.references.further import reference_of
from tests.sam.references.networks import REQUIRED, base_of, batch, distance, network

STAGES = {"only_norm[2,3]": (2, 3), "only_norm[3]": (3,), "no_norm[3]": (3,), "all[2,3]": (2, 3)}
SETTINGS: dict[str, dict[str, Any]] = {
    "looksam": {"every": 2},
    "esam": {"tensor_share": 0.7},
    "gsam": {"alpha": 0.3},
    # Neither always nor never, in three steps.
    "ae_sam": {"threshold_start": 4.0},
    "zsharp": {"quantile": 0.8},
    **REQUIRED,
}
SCOPE_SETTINGS = {"ssam_f": {"fisher_samples": 4}}


def names_in(model: nn.Module, scope: str) -> list[str]:
    """What a scope perturbs, written out."""
    norm, name = norm_parameters(model), scope.partition("[")[0]
    chosen = [n for n, _ in model.named_parameters()]
    chosen = [n for n in chosen if name not in ("only_norm", "no_norm") or (n in norm) == (name == "only_norm")]
    if scope in STAGES:
        numbers = parameter_stages(model)
        chosen = [n for n in chosen if numbers[n] in STAGES[scope]]
    return chosen


def defaults(variant: str) -> dict[str, Any]:
    return {name: setting.default for name, setting in VARIANTS[variant].settings.items()} | SETTINGS.get(variant, {})


def compare(
    net: str, variant: str, scope: str, steps: int = 3, base: str = "sgd", given: dict[str, Any] | None = None,
    m: int | None = None, **options: Any,
) -> float:  # fmt: skip
    """Train both ways; the largest difference of a weight or running statistic."""
    fast_model, slow_model = network(net), network(net)
    made = (base_of(variant, base, model) for model in (fast_model, slow_model))
    settings = SETTINGS.get(variant, {}) | (given or {})
    fast = SharpnessAware(
        fast_model, next(made), variant, scope, 0.1, settings=settings | SCOPE_SETTINGS.get(scope, {}), m=m, **options
    )
    names = names_in(slow_model, scope)
    slow = reference_of(variant, slow_model, next(made), variant, names, 0.1, defaults(variant) | settings, **options)
    draws = torch.Generator().manual_seed(0)
    masks = getattr(fast._scope, "masks", None)
    for number in range(steps):
        x, y = batch(seed=number)
        fast.start_epoch(number, steps, batch(16, seed=9), steps=1)
        masks = getattr(fast._scope, "masks", None)
        if variant == "esam":
            every = list(fast._scope.tensors)
            kept = torch.rand(len(every), generator=draws).tolist()
            slow.names = [n for n, draw in zip(every, kept, strict=True) if draw < 0.7]
        role = {"random": {"before": masks}}.get(scope, {"after": masks} if masks is not None else {})
        slow.step(x, y, **role, **({"m": m} if m else {}))
        fast.step_batch(x, y, functional.cross_entropy)
    assert fast.counts.unperturbed == 0
    return distance(fast_model, slow_model)
