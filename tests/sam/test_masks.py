"""Scopes of single entries: how many, which, and when they change."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from bench.sam import SharpnessAware
from bench.sam.norms import norm_parameters
from tests.sam.references.networks import batch, network, sgd


def live(method: SharpnessAware) -> int:
    return sum(int(mask.sum()) for mask in method._scope.masks.values())


def size(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def test_random_keeps_as_many_as_only_norm() -> None:
    model = network("resnet8")
    method = SharpnessAware(model, sgd(model), "sam", "random")
    assert live(method) == sum(p.numel() for p in norm_parameters(model).values())


@pytest.mark.parametrize("sparsity", [0.0, 0.3, 0.99])
def test_random_sparsity_and_seed(sparsity: float) -> None:
    model = network("groupnorm")
    made = [
        SharpnessAware(model, sgd(model), "sam", "random", settings={"sparsity": sparsity, "mask_seed": seed})
        for seed in (0, 0, 1)
    ]
    total = size(model)
    assert live(made[0]) == total - math.ceil(total * sparsity)
    first, again, other = (torch.cat([m.flatten() for m in method._scope.masks.values()]) for method in made)
    assert torch.equal(first, again)
    if sparsity:
        assert len(first) != len(other) or not torch.equal(first, other)


def test_random_skips_tensors_without_a_live_entry() -> None:
    model = network("resnet8")
    method = SharpnessAware(model, sgd(model), "sam", "random", settings={"sparsity": 0.999})
    assert 0 < len(method._scope.tensors) < len(list(model.parameters()))
    method.step_batch(*batch(), functional.cross_entropy)
    assert float(method.last.perturbation_norm) == pytest.approx(0.05)


class Scores(nn.Module):
    """Two classes whose score difference is w·x."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(6, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        """(n, 6) → (n, 2)."""
        score = x @ self.weight
        return torch.stack([score, torch.zeros_like(score)], 1)


def test_ssam_f_keeps_the_largest_fisher_information() -> None:
    # At w = 0 a sample's gradient is ±x/2: F_j = Σ x_j²/4, whatever the labels, and no cancellation.
    model = Scores()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    method = SharpnessAware(model, optimizer, "sam", "ssam_f", settings={"sparsity": 0.5, "fisher_samples": 2})
    x = torch.tensor([[1.0, 5, 0, 3, 0, 1], [-1.0, -5, 4, 0, 1, 0], [9.0] * 6], dtype=torch.float64)
    method.start_epoch(0, 1, (x, torch.tensor([0, 0, 0])))
    method.step_batch(x, torch.tensor([0, 1, 0]), functional.cross_entropy)
    assert method._scope.masks["weight"].tolist() == [False, True, True, True, False, False]


def test_ssam_f_leaves_the_network_as_it_was() -> None:
    model = network("resnet8")
    model.stage1.eval()
    method = SharpnessAware(model, sgd(model), "sam", "ssam_f")
    modes = [module.training for module in model.modules()]
    method.start_epoch(0, 1, batch(16))
    before = {name: b.clone() for name, b in model.named_buffers()}
    method._scope.renew()
    assert all(torch.equal(b, before[name]) for name, b in model.named_buffers())
    assert modes == [module.training for module in model.modules()]
    assert all(p.grad is None for p in model.parameters())


@pytest.mark.parametrize("targets", [torch.rand(16), torch.rand(16, 1), torch.rand(16, 10) + 1])
def test_ssam_f_refuses_a_regression_before_the_first_step(targets: torch.Tensor) -> None:
    model = network("groupnorm")
    method = SharpnessAware(model, sgd(model), "sam", "ssam_f")
    with pytest.raises(ValueError, match=r"of the cross-entropy, and the targets are float32 of shape \(16"):
        method.start_epoch(0, 1, (batch(16)[0], targets))
    method.start_epoch(0, 1, (batch(16)[0], functional.one_hot(batch(16)[1], 10).double()))
    method._scope.renew()


@pytest.mark.parametrize("scope", ["ssam_f", "ssam_d"])
def test_masks_change_after_the_first_step_of_every_other_epoch(scope: str) -> None:
    model, changes = network("resnet8"), []
    method = SharpnessAware(model, sgd(model), "sam", scope, settings={"mask_every": 2})
    for epoch in range(4):
        method.start_epoch(epoch, 4, batch(16, seed=epoch))
        for step in range(2):
            before = torch.cat([mask.flatten() for mask in method._scope.masks.values()])
            method.step_batch(*batch(seed=step), functional.cross_entropy)
            after = torch.cat([mask.flatten() for mask in method._scope.masks.values()])
            if not torch.equal(before, after):
                changes.append((epoch, step))
            method.start_epoch(epoch, 4, batch(16))
    assert changes == [(0, 0), (2, 0)]


@pytest.mark.parametrize(("epoch", "rate"), [(0, 0.5), (1, 0.25 * (1 + math.cos(math.pi / 4))), (2, 0.25)])
@pytest.mark.parametrize("sparsity", [0.6, 0.1])
def test_ssam_d_drops_the_flattest_and_regrows_dead_ones(epoch: int, rate: float, sparsity: float) -> None:
    model = network("resnet8")
    method = SharpnessAware(model, sgd(model), "sam", "ssam_d", settings={"sparsity": sparsity})
    total = size(model)
    assert live(method) == total - math.ceil(total * sparsity)
    before = method._scope.flat_mask()
    method.start_epoch(epoch, 4)
    method.step_batch(*batch(), functional.cross_entropy)
    after = method._scope.flat_mask()
    budget = total * (1 - sparsity)
    keep, grow = int(budget * (1 - rate)), int(min(budget * rate, total * sparsity))
    assert int((before & after).sum()) == keep
    assert int((~before & after).sum()) == grow
    slope = torch.cat([p.grad.abs().flatten() for p in model.parameters()])
    assert slope[before & after].min() >= slope[before & ~after].max()


def test_ssam_moves_live_entries_only() -> None:
    model, seen = network("groupnorm"), []
    model.register_forward_pre_hook(
        lambda *_: seen.append({name: p.detach().clone() for name, p in model.named_parameters()})
    )
    method = SharpnessAware(model, sgd(model), "sam", "ssam_d", 0.1)
    method.step_batch(*batch(), functional.cross_entropy)
    for name, mask in method._scope.masks.items():
        moved = seen[0][name] != seen[1][name]
        assert not (moved & ~mask).any()
