"""m-sharpness: micro-batches of m are plain steps whose gradients are averaged."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from bench.sam import SharpnessAware
from tests.sam.networks import batch, distance, network, sgd


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
    losses, gradients = [], []
    for start in range(0, 16, 4):
        losses.append(part.step_batch(x[start : start + 4], y[start : start + 4], functional.cross_entropy))
        gradients.append([p.grad.clone() for p in plain.parameters()])
    optimizer = sgd(plain)
    for parameter, *parts in zip(plain.parameters(), *gradients, strict=True):
        parameter.grad = torch.stack(parts).mean(0)
    optimizer.step()
    assert distance(micro, plain) < 1e-12
    assert float(loss) == pytest.approx(float(torch.stack(losses).mean()))


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


def test_m_that_does_not_divide_the_batch() -> None:
    model = network("groupnorm")
    method = SharpnessAware(model, sgd(model), m=3)
    with pytest.raises(ValueError, match="m = 3 does not divide a batch of 8 samples: choose an m that does"):
        method.step_batch(*batch(8), functional.cross_entropy)
