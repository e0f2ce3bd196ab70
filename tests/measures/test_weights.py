"""Histograms of weights: every weight in its bin, once, whatever kind of layer it is of."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from bench.measures.bins import Histogram, edges
from bench.measures.weights import histogram
from tests.measures.models import SmallNet, trained

IMAGES, LABELS = torch.zeros(2, 1, 4, 4, dtype=torch.uint8), torch.zeros(2, dtype=torch.long)


def of(model: nn.Module, layer: str, scale: str = "linear") -> Histogram:
    return histogram(trained(model, IMAGES, LABELS), layer=layer, scale=scale)


def weights(found: Histogram, scale: str) -> dict[float, int]:
    """Lower edge of a bin → count, of the bins that have one."""
    bounds = [-math.inf, *edges(scale)]
    return {place: count for place, count in zip(bounds, found.counts, strict=True) if count}


def test_edges_rise_and_are_symmetric_or_logarithmic() -> None:
    linear, log = edges("linear"), edges("log")
    assert linear == sorted(linear)
    assert (linear[0], linear[-1], len(linear)) == (-8.0, 8.0, 801)
    assert log == sorted(log)
    assert (log[0], log[-1]) == pytest.approx((1e-8, 100))


def test_gamma_and_beta_by_hand() -> None:
    model = SmallNet()
    with torch.no_grad():
        model.stem[1].weight.copy_(torch.tensor([1.005, 1.015, -0.5, 9.0]))
        model.stem[1].bias.copy_(torch.tensor([0.0, -0.25, 1.1e-4, 0.0]))
    gamma = of(model, "gamma")
    assert [count for count in gamma.counts if count] == [1, 2, 1], "-0.5, both ones, and what lies beyond the edges"
    assert gamma.counts[-1] == 1
    assert gamma.mean == pytest.approx((1.005 + 1.015 - 0.5 + 9) / 4)
    beta = of(model, "beta", "log")
    assert beta.counts[0] == 2, "0 has no logarithm"
    assert sum(beta.counts) == 4
    assert list(weights(beta, "log")) == [-math.inf, pytest.approx(1e-4), pytest.approx(10**-0.65)]
    assert beta.mean == pytest.approx((0.25 + 1.1e-4) / 4)


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_every_parameter_is_counted_once(scale: str) -> None:
    model = SmallNet()
    counts = {layer: sum(of(model, layer, scale).counts) for layer in ("gamma", "beta", "conv", "linear")}
    assert counts == {"gamma": 4, "beta": 4, "conv": 4 * 9 + 4, "linear": 4 * 5 + 5}
    assert sum(counts.values()) == sum(parameter.numel() for parameter in model.parameters())


def test_a_model_without_such_layers() -> None:
    with pytest.raises(ValueError, match="Sequential has no gamma parameters"):
        of(nn.Sequential(nn.Flatten(), nn.Linear(16, 2)), "gamma")
