"""Layers of one's own, which no rule of ours knows."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from bench.sam import SharpnessAware
from bench.sam.norms import norm_parameters
from tests.sam.references.networks import batch, network, sgd


class OwnNorm(nn.Module):
    """A normalization that no library knows."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(192, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        """Unit root mean square, times a gain."""
        return self.gain * x / x.square().mean(-1, keepdim=True).sqrt()


def with_own_norm() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), OwnNorm(), nn.Linear(192, 10), nn.LayerNorm(10)).double()


def test_norm_layers_by_hand_are_told_of_and_can_be_named() -> None:
    model = with_own_norm()
    with pytest.warns(UserWarning, match="OwnNorm of Sequential don't count as normalization layers"):
        method = SharpnessAware(model, sgd(model), "sam", "only_norm")
    assert set(method._scope.tensors) == {"3.weight", "3.bias"}
    rules: list[Any] = [OwnNorm, (OwnNorm,), lambda module: isinstance(module, OwnNorm | nn.LayerNorm)]
    for rule in rules:
        method = SharpnessAware(model, sgd(model), "sam", "only_norm", norm_rule=rule)
        assert set(method._scope.tensors) == {"1.gain", "3.weight", "3.bias"}
    assert set(norm_parameters(model, "*.gain")) == {"1.gain"}


class OwnBatchNorm(nn.Module):
    """Running statistics that torch's classes know nothing of."""

    running_mean: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("running_mean", torch.zeros(192, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        """Centred."""
        if self.training:
            self.running_mean.copy_(0.9 * self.running_mean + 0.1 * x.detach().mean(0))
        return x - x.mean(0)


@pytest.mark.parametrize(("bn_stats", "share"), [("first", 0.1), ("both", 0.19)])
def test_statistics_of_an_own_batch_norm(bn_stats: str, share: float) -> None:
    norm, (x, y) = OwnBatchNorm(), batch()
    model = nn.Sequential(nn.Flatten(), norm, nn.Linear(192, 10)).double()
    SharpnessAware(model, sgd(model), bn_stats=bn_stats).step_batch(x, y, functional.cross_entropy)
    assert torch.allclose(norm.running_mean, share * x.flatten(1).mean(0))


@pytest.mark.parametrize("segments", [3, [nn.Identity()], lambda count: count, lambda: ["a", "b"]])
def test_a_model_that_happens_to_have_segments(segments: Any) -> None:
    model, plain = network("groupnorm"), network("groupnorm")
    vars(model)["segments"] = segments
    for each in (model, plain):
        SharpnessAware(each, sgd(each), "sam", "all", 0.1).step_batch(*batch(), functional.cross_entropy)
    assert torch.equal(model.head.weight, plain.head.weight)
