"""The fast step gives the numbers of the plain, slow one: every variant on every scope of every kind of network."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from bench.sam import SCOPES, VARIANTS, SharpnessAware
from tests.sam.references.comparison import STAGES, compare, defaults, names_in
from tests.sam.references.networks import NETWORKS, REQUIRED, STAGED, batch, distance, network, sgd
from tests.sam.references.reference import Reference


@pytest.mark.share(28)
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


@pytest.mark.share(12)
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


@pytest.mark.share(12)
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


@pytest.mark.share(28)
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
