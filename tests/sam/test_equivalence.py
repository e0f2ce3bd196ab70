"""The fast step gives the numbers of the plain, slow one: every variant on every scope of every kind of network."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from bench.sam import SCOPES, VARIANTS, SharpnessAware
from bench.sam.norms import norm_parameters
from bench.sam.stages import parameter_stages
from tests.sam.further_references import reference_of
from tests.sam.networks import NETWORKS, REQUIRED, STAGED, base_of, batch, distance, network, sgd
from tests.sam.reference import Reference

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


@pytest.mark.share(36)
@pytest.mark.parametrize("base", ["sgd", "adamw"])
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("net", NETWORKS)
def test_equals_two_full_passes(net: str, variant: str, scope: str, base: str) -> None:
    assert compare(net, variant, scope, base=base) < 1e-9


OTHER_FORMS: list[tuple[str, dict[str, Any]]] = [
    ("gcsam", {"form": "paper"}),
    ("zsharp", {"norm_over": "all"}),
    ("stable_sam", {"normalised": False, "norm_over": "scope"}),
    ("wsam", {"decouple": False}),
    ("unified_sam", {"share": 0.3}),
    ("unified_sam", {"schedule": "rising"}),
    ("unified_sam", {"schedule": "falling"}),
    ("msam", {"decay_at": "clean"}),
    ("async_sam", {"ascent": "computed"}),
    ("k_sam", {"sample_share": 0.1}),
    ("rst", {"probability": 0.0}),
    ("friendly", {"sigma": 0.5, "decay": 0.6}),
]


@pytest.mark.parametrize(("variant", "given"), OTHER_FORMS)
@pytest.mark.parametrize("scope", ["all", "only_norm", "random", "ssam_d"])
def test_the_other_forms_of_a_variant(variant: str, given: dict[str, Any], scope: str) -> None:
    assert compare("resnet8", variant, scope, given=given) < 1e-9


def test_some_variants_have_others_as_limits() -> None:
    def trained(variant: str, **settings: Any) -> nn.Module:
        model = network("groupnorm")
        method = SharpnessAware(model, sgd(model), variant, "all", 0.1, settings=settings)
        for number in range(3):
            method.step_batch(*batch(seed=number), functional.cross_entropy)
        return model

    sam = trained("sam")
    for variant, settings in (
        ("friendly", {"sigma": 0.0}),
        ("vasso", {"theta": 1.0}),
        ("wsam", {"gamma": 0.5, "decouple": False}),
        ("unified_sam", {}),
        ("rst", {"probability": 1.0}),
    ):
        assert distance(sam, trained(variant, **settings)) < 1e-6, variant


@pytest.mark.share(18)
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("scope", STAGES)
@pytest.mark.parametrize("net", STAGED)
def test_equals_two_full_passes_by_stage(net: str, variant: str, scope: str) -> None:
    assert compare(net, variant, scope) < 1e-9


@pytest.mark.parametrize("variant", ["sam", "esam", "gsam", "looksam", "msam", "k_sam", "ae_sam", "bsam"])
@pytest.mark.parametrize("scope", ["all", "only_norm[3]"])
def test_statistics_of_the_first_pass_only(variant: str, scope: str) -> None:
    assert compare("resnet8", variant, scope, bn_stats="first") < 1e-9


@pytest.mark.parametrize("scope", ["all", "only_norm", "only_norm[3]"])
@pytest.mark.parametrize("variant", ["sam", "elementwise_l2", "layerwise_l2"])
def test_single_precision(variant: str, scope: str) -> None:
    fast_model, slow_model = network("resnet8", torch.float32), network("resnet8", torch.float32)
    fast = SharpnessAware(fast_model, sgd(fast_model, 0.01), variant, scope, 0.05)
    names = names_in(slow_model, scope)
    slow = Reference(slow_model, sgd(slow_model, 0.01), variant, names, 0.05, defaults(variant))
    for number in range(3):
        x, y = batch(16, seed=number, dtype=torch.float32)
        fast.step_batch(x, y, functional.cross_entropy)
        slow.step(x, y)
    assert distance(fast_model, slow_model) < 1e-6


@pytest.mark.parametrize("scope", ["all", "only_norm", "only_norm[2,3]"])
@pytest.mark.parametrize("net", STAGED)
def test_closure_and_tensors_are_one_step(net: str, scope: str) -> None:
    models = network(net), network(net)
    one, other = (SharpnessAware(model, sgd(model), "layerwise_l2", scope, 0.1) for model in models)
    x, y = batch()
    for _ in range(2):
        closure_loss = one.step(lambda: functional.cross_entropy(models[0](x), y))
        assert torch.equal(closure_loss, other.step_batch(x, y, functional.cross_entropy))
    assert distance(*models) == 0


@pytest.mark.share(36)
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("scope", [*SCOPES, "only_norm[2,3]"])
@pytest.mark.parametrize("net", STAGED)
def test_weights_are_restored_to_the_bit(net: str, variant: str, scope: str) -> None:
    model = network(net, torch.float32)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    # Without a momentum there is nothing to look along.
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0, momentum=0.0 if variant == "bsam" else 0.9)
    method = SharpnessAware(model, optimizer, variant, scope, 0.3, settings=REQUIRED.get(variant))
    method.start_epoch(0, 1, batch(16, dtype=torch.float32), steps=1)
    for number in range(2 if variant in ("msam", "async_sam") else 1):
        method.step_batch(*batch(seed=number, dtype=torch.float32), functional.cross_entropy)
    assert method.last is not None
    assert method.last.perturbation_norm is not None
    assert all(torch.equal(p, before[name]) for name, p in model.named_parameters())
    assert all(p.requires_grad for p in model.parameters())
