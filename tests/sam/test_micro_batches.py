"""m-sharpness: micro-batches of m are plain steps whose gradients are averaged."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from bench.sam import SharpnessAware
from bench.sam.base.unperturbed import Plain
from bench.sam.passes.batches import TensorBatch
from bench.sam.passes.running_stats import tracking_layers
from tests.sam.references.comparison import compare
from tests.sam.references.further import FURTHER_REFERENCES
from tests.sam.references.networks import batch, distance, network, sgd


@pytest.mark.parametrize("scope", ["all", "only_norm", "only_norm[3]", "random", "ssam_f"])
@pytest.mark.parametrize("variant", ["sam", "layerwise_l2", "esam"])
def test_is_the_plain_step_per_micro_batch(variant: str, scope: str) -> None:
    micro, plain = network("resnet8"), network("resnet8")
    x, y = batch(16)
    settings = {"tensor_share": 1.0} if variant == "esam" else None
    whole = SharpnessAware(micro, sgd(micro), variant, scope, 0.1, m=4, settings=settings)
    # The plain method's optimizer stands still, so that every part sees the same weights.
    part = SharpnessAware(plain, torch.optim.SGD(plain.parameters(), lr=0.0), variant, scope, 0.1, settings=settings)
    loss = whole.step_batch(x, y, functional.cross_entropy)
    losses, gradients, statistics = [], [], []
    untouched = {name: value.clone() for name, value in plain.named_buffers()}
    for start in range(0, 16, 4):
        for name, value in plain.named_buffers():
            value.copy_(untouched[name])
        losses.append(part.step_batch(x[start : start + 4], y[start : start + 4], functional.cross_entropy))
        gradients.append([p.grad.clone() for p in plain.parameters()])
        statistics.append([value.clone() for value in plain.buffers()])
    optimizer = sgd(plain)
    for parameter, *parts in zip(plain.parameters(), *gradients, strict=True):
        parameter.grad = torch.stack(parts).mean(0)
    optimizer.step()
    for value, *parts in zip(plain.buffers(), *statistics, strict=True):
        value.copy_(torch.stack(parts).double().mean(0))
    assert distance(micro, plain) < 1e-12
    assert float(loss) == pytest.approx(float(torch.stack(losses).mean()))


@pytest.mark.share(12)
@pytest.mark.parametrize("variant", FURTHER_REFERENCES)
@pytest.mark.parametrize("scope", ["all", "only_norm", "random"])
def test_further_variants_by_micro_batches(variant: str, scope: str) -> None:
    """What they remember is of the mean over micro-batches, each of which sees what was remembered before the step."""
    assert compare("groupnorm", variant, scope, m=4) < 1e-9


def test_m_of_the_whole_batch_changes_nothing() -> None:
    one, other = network("resnet8"), network("resnet8")
    for model, m in ((one, None), (other, 8)):
        SharpnessAware(model, sgd(model), "sam", "all", 0.1, m=m).step_batch(*batch(), functional.cross_entropy)
    assert distance(one, other) == 0


def test_the_final_gradient_is_split_after_averaging() -> None:
    # Without batch norm and with ρ → 0 the micro-batches' averages are the whole batch's gradients.
    one, other = network("groupnorm"), network("groupnorm")
    for model, m in ((one, None), (other, 4)):
        method = SharpnessAware(model, sgd(model), "gsam", "all", 1e-7, m=m, settings={"alpha": 10.0})
        for number in range(3):
            method.step_batch(*batch(seed=number), functional.cross_entropy)
    assert distance(one, other) < 1e-5


def test_disabled_micro_batches_average_too() -> None:
    one, other = network("groupnorm"), network("groupnorm")
    for model, m in ((one, None), (other, 4)):
        method = SharpnessAware(model, sgd(model), "sam", "all", 0.1, m=m)
        method.enabled = False
        method.step_batch(*batch(), functional.cross_entropy)
    assert distance(one, other) < 1e-12


@pytest.mark.parametrize("variant", ["sam", "gsam", None])
def test_a_batch_that_m_does_not_divide_is_cut_evenly_and_weighted_by_samples(variant: str | None) -> None:
    """Five samples at m = 4 are three and two: the mean over samples, not over micro-batches."""
    x, y = batch(5)
    one, other = network("groupnorm"), network("groupnorm")
    for model, m in ((one, None), (other, 4)):
        optimizer = sgd(model)
        settings = {"alpha": 10.0} if variant == "gsam" else None
        method = SharpnessAware(model, optimizer, variant, "all", 1e-7, m=m, settings=settings) if variant else None
        step = method or Plain(model, optimizer, m=m)
        loss = step.step_batch(x, y, functional.cross_entropy)
        with torch.no_grad():
            assert float(loss) == pytest.approx(float(functional.cross_entropy(network("groupnorm")(x), y)))
    assert distance(one, other) < 1e-5


@pytest.mark.parametrize(("n", "m", "sizes"), [(5, 4, [2, 3]), (80, 32, [26, 27, 27]), (3, 4, [3]), (8, 4, [4, 4])])
def test_micro_batches_are_few_and_alike(n: int, m: int, sizes: list[int]) -> None:
    whole = TensorBatch(
        model=nn.Identity(), inputs=torch.zeros(n, 1), targets=torch.zeros(n), loss_fn=lambda a, b: a.sum()
    )
    parts = whole.split(m)
    assert sorted(map(len, parts)) == sizes
    assert [part.share for part in parts] == [len(part) / n for part in parts]
    assert torch.equal(torch.cat([part.inputs for part in parts]), whole.inputs)


@pytest.mark.parametrize("momentum", [0.1, None])
@pytest.mark.parametrize("scope", ["all", "only_norm[3]", None])
def test_running_statistics_are_the_mean_over_micro_batches(scope: str | None, momentum: float | None) -> None:
    def net() -> nn.Module:
        model = network("resnet8")
        for layer in tracking_layers(model):
            layer.momentum = momentum
        return model

    def method(model: nn.Module, m: int | None) -> SharpnessAware | Plain:
        still = torch.optim.SGD(model.parameters(), lr=0.0)
        return SharpnessAware(model, still, "sam", scope, 0.1, m=m) if scope else Plain(model, still, m=m)

    (x, y), whole = batch(16), net()
    for _ in range(2):
        method(whole, 4).step_batch(x, y, functional.cross_entropy)
    parts = []
    for start in range(0, 16, 4):
        # Averages of steps are steps of averages, because the weights stand still and updates are linear.
        part = net()
        for _ in range(2):
            method(part, None).step_batch(x[start : start + 4], y[start : start + 4], functional.cross_entropy)
        parts.append(part)
    for layer, *alone in zip(tracking_layers(whole), *map(tracking_layers, parts), strict=True):
        torch.testing.assert_close(layer.running_mean, torch.stack([one.running_mean for one in alone]).mean(0))
        torch.testing.assert_close(layer.running_var, torch.stack([one.running_var for one in alone]).mean(0))
        assert layer.num_batches_tracked == alone[0].num_batches_tracked
