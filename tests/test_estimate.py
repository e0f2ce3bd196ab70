"""The rule of thumb for GPU-hours, against torch's own count of FLOPs and by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from bench import models
from bench.estimate import FORWARD, gpu_seconds
from bench.trial import Trial


def test_every_model_has_its_flops() -> None:
    assert list(FORWARD) == list(models.MODELS)


@pytest.mark.parametrize("name", ["resnet56", "wrn28_10", "vgg16_bn", "vit_t4"])
def test_flops_are_those_that_torch_counts(name: str) -> None:
    flops, side = FORWARD[name]
    with torch.device("meta"), FlopCounterMode(display=False) as counter, torch.no_grad():
        models.build(name, image_size=side).eval()(torch.empty(1, 3, side, side))
    assert flops == pytest.approx(counter.get_total_flops(), rel=0.01)


def test_gpu_seconds_by_hand(make_trial: Callable[..., Trial]) -> None:
    sgd = make_trial(dataset="cifar10", model="resnet56", epochs=200)
    expected = 200 * 50_000 * 2.52e8 * 3 / (0.3 * 19.5e12)
    assert gpu_seconds(sgd) == pytest.approx(expected)
    sam = make_trial(dataset="cifar10", model="resnet56", epochs=200, variant="sam", scope="all", rho=0.1)
    assert gpu_seconds(sam) == pytest.approx(2 * expected)
    look = make_trial(dataset="cifar10", model="resnet56", epochs=200, variant="looksam", scope="all", rho=0.1,
                      settings=(("alpha", 0.7), ("every", 10), ("momentum", 0.9)))  # fmt: skip
    assert gpu_seconds(look) == pytest.approx(1.1 * expected)
    small = make_trial(dataset="fake:1000x3x16x10", model="resnet56", epochs=1)
    assert gpu_seconds(small) == pytest.approx(1000 * 2.52e8 / 4 * 3 / (0.3 * 19.5e12))


def test_what_is_not_known_has_no_estimate(make_trial: Callable[..., Trial]) -> None:
    assert gpu_seconds(make_trial(dataset="cifar10", model="timm/resnet10t")) is None
