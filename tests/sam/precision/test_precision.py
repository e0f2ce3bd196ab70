"""Autocast, loss scaling, clipping, and the approximate ascents."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.amp.grad_scaler import GradScaler
from torch.nn import functional

from bench.sam import SharpnessAware
from tests.sam.references.networks import REQUIRED, base_of, batch, distance, network, sgd, states_equal

FLOAT = torch.float32


@pytest.mark.parametrize("scope", ["all", "only_norm", "only_norm[3]"])
@pytest.mark.parametrize("net", ["resnet8", "vit"])
def test_bf16_equals_a_plain_loop_under_autocast(net: str, scope: str) -> None:
    fast_model, slow_model = network(net, FLOAT), network(net, FLOAT)
    vars(slow_model)["forward"] = type(slow_model).forward.__get__(slow_model)
    fast = SharpnessAware(fast_model, sgd(fast_model), "sam", scope, 0.1, amp_dtype=torch.bfloat16)
    slow = SharpnessAware(slow_model, sgd(slow_model), "sam", scope, 0.1)

    def closure() -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return functional.cross_entropy(slow_model(x), y)

    for number in range(2):
        x, y = batch(seed=number, dtype=FLOAT)
        fast.step_batch(x, y, functional.cross_entropy)
        slow.step(closure)
    assert distance(fast_model, slow_model) < 1e-5
    assert all(p.dtype == FLOAT for p in fast_model.parameters())


def test_autocast_around_the_step_uses_the_perturbed_weights() -> None:
    # Autocast keeps casts of the weights until its region ends, which here encloses both passes.
    inside, around = network("vit", FLOAT), network("vit", FLOAT)
    x, y = batch(dtype=FLOAT)
    method = SharpnessAware(inside, sgd(inside), "sam", "all", 1.0, amp_dtype=torch.bfloat16)
    method.step_batch(x, y, functional.cross_entropy)
    other = SharpnessAware(around, sgd(around), "sam", "all", 1.0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        other.step_batch(x, y, functional.cross_entropy)
    assert float(other.last.perturbed_loss) == pytest.approx(float(method.last.perturbed_loss), rel=1e-3)
    assert float(other.last.perturbed_loss) > float(other.last.loss) + 0.1
    assert distance(inside, around) < 1e-3


FURTHER = ["msam", "async_sam", "ae_sam", "k_sam", "friendly", "vasso", "zsharp", "stable_sam", "wsam", "bsam"]


@pytest.mark.parametrize("variant", ["sam", "gsam", "looksam", "esam", "fisher", *FURTHER])
def test_loss_scaling_changes_nothing_else(variant: str) -> None:
    scaled, plain = network("groupnorm", FLOAT), network("groupnorm", FLOAT)
    scaler = GradScaler("cpu", init_scale=1024.0)
    given = {"ae_sam": {"threshold_start": 4.0}} | REQUIRED
    for model, option in ((scaled, scaler), (plain, None)):
        method = SharpnessAware(
            model, base_of(variant, "sgd", model), variant, "only_norm", 0.1, scaler=option, settings=given.get(variant)
        )
        method.start_epoch(0, 1, steps=3)
        for number in range(3):
            method.step_batch(*batch(seed=number, dtype=FLOAT), functional.cross_entropy)
        assert method.counts.skipped == 0
    assert distance(scaled, plain) < 1e-6


@pytest.mark.parametrize("variant", ["sam", "gsam", "looksam", "ae_sam", "friendly", "wsam", "bsam"])
def test_overflow_skips_the_step_and_lowers_the_scale(variant: str) -> None:
    model = network("groupnorm", FLOAT)
    scaler = GradScaler("cpu", init_scale=1e38, growth_interval=1)
    method = SharpnessAware(
        model, base_of(variant, "sgd", model), variant, "all", 0.1, scaler=scaler, settings=REQUIRED.get(variant)
    )
    method.start_epoch(0, 1, steps=2)
    before = {name: p.clone() for name, p in model.state_dict().items()}
    x, y = batch(dtype=FLOAT)
    method.step(lambda: 1e3 * functional.cross_entropy(model(x), y))
    assert method.counts.skipped == 1
    assert scaler.get_scale() == pytest.approx(5e37)
    assert all(torch.equal(p, before[name]) for name, p in model.state_dict().items())
    scaler.update(256.0)
    method.step(lambda: functional.cross_entropy(model(x), y))
    assert (method.counts.skipped, method.counts.steps) == (1, 2)
    assert not torch.equal(model.conv1.weight, before["conv1.weight"])
    assert all(p.isfinite().all() for p in model.parameters())


def test_clipping_bounds_the_gradient_that_the_optimizer_sees() -> None:
    model = network("groupnorm")
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    method = SharpnessAware(model, optimizer, "sam", "all", 0.1, max_grad_norm=0.01)
    before = torch.cat([p.detach().clone().flatten() for p in model.parameters()])
    method.step_batch(*batch(), functional.cross_entropy)
    moved = torch.cat([p.detach().flatten() for p in model.parameters()]) - before
    assert float(moved.norm()) == pytest.approx(0.01, rel=1e-3)
    assert method.last.gradient_norm > 0.1


def test_decoupled_gradients_are_clipped_each_to_the_limit() -> None:
    model = network("groupnorm")
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    still = torch.optim.SGD(model.parameters(), lr=1.0)
    method = SharpnessAware(model, still, "wsam", "all", 0.5, settings={"gamma": 0.8}, max_grad_norm=0.01)
    method.step_batch(*batch(), functional.cross_entropy)
    plain = network("groupnorm")
    base = torch.optim.SGD(plain.parameters(), lr=0.0)
    other = SharpnessAware(plain, base, "sam", "all", 0.5)
    other.step_batch(*batch(), functional.cross_entropy)
    g_p = {name: p.grad.clone() for name, p in plain.named_parameters() if p.grad is not None}
    plain.zero_grad()
    functional.cross_entropy(plain(batch()[0]), batch()[1]).backward()
    g = {name: p.grad.clone() for name, p in plain.named_parameters() if p.grad is not None}
    lengths = [torch.cat([v.flatten() for v in each.values()]).norm() for each in (g, g_p)]
    for name, parameter in model.named_parameters():
        if name in g:
            clipped = [0.01 * v / (length + 1e-6) for v, length in zip((g[name], g_p[name]), lengths, strict=True)]
            wanted = before[name] - clipped[0] - 4 * (clipped[1] - clipped[0])
            torch.testing.assert_close(parameter, wanted, rtol=0, atol=1e-9)


def test_clipping_leaves_small_gradients_alone() -> None:
    one, other = network("groupnorm"), network("groupnorm")
    for model, bound in ((one, None), (other, 1e3)):
        method = SharpnessAware(model, sgd(model), "sam", "all", 0.1, max_grad_norm=bound)
        method.step_batch(*batch(), functional.cross_entropy)
    assert states_equal(one, other)


@pytest.mark.parametrize("scope", ["all", "only_norm", "only_norm[3]"])
@pytest.mark.parametrize("net", ["resnet8", "vit"])
def test_ascent_in_bf16_is_near(net: str, scope: str) -> None:
    exact, near = network(net, FLOAT), network(net, FLOAT)
    norms = []
    for model, dtype in ((exact, None), (near, torch.bfloat16)):
        method = SharpnessAware(model, sgd(model), "sam", scope, 0.1, ascent_dtype=dtype)
        method.step_batch(*batch(dtype=FLOAT), functional.cross_entropy)
        norms.append(float(method.last.perturbation_norm))
    assert 0 < distance(exact, near) < 1e-2
    assert norms[1] == pytest.approx(norms[0], rel=1e-5)


@pytest.mark.parametrize("scope", ["all", "only_norm[3]"])
def test_ascent_on_a_share_of_the_batch(scope: str) -> None:
    model, sizes = network("resnet8"), []
    model.register_forward_pre_hook(lambda module, inputs: sizes.append(len(inputs[0])))
    method = SharpnessAware(model, sgd(model), "sam", scope, 0.1, ascent_share=0.3)
    method.step_batch(*batch(), functional.cross_entropy)
    assert sizes == [2, 8]
    assert math.isclose(float(method.last.perturbation_norm), 0.1)
