"""What trains may change from step to step, and only what the optimizers hold is perturbed."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from bench.sam import SharpnessAware
from tests.sam.references.networks import batch, distance, network, sgd


def step(method: SharpnessAware, seed: int = 0) -> None:
    method.step_batch(*batch(seed=seed), functional.cross_entropy)


@pytest.mark.parametrize("scope", ["all", "only_norm", "only_norm[3]", "no_norm", "random", "ssam_d"])
@pytest.mark.parametrize("variant", ["sam", "gsam", "looksam"])
def test_a_layer_frozen_after_construction_stays_frozen(variant: str, scope: str) -> None:
    model = network("resnet8")
    method = SharpnessAware(model, sgd(model), variant, scope, 0.1)
    step(method)
    frozen = [p.requires_grad_(False) for p in model.stem.parameters()]
    before = [p.detach().clone() for p in frozen]
    for seed in range(1, 3):
        step(method, seed)
    assert not any(p.requires_grad for p in frozen)
    assert all(torch.equal(p, old) for p, old in zip(frozen, before, strict=True))
    assert all(p.requires_grad for p in model.stage3.parameters())


def test_a_frozen_layer_is_as_if_it_had_been_frozen_before() -> None:
    later, before = network("resnet8"), network("resnet8")
    method = SharpnessAware(later, torch.optim.SGD(later.parameters(), lr=0.1), "sam", "only_norm", 0.1)
    for model in (later, before):
        model.stem.requires_grad_(False)
    other = SharpnessAware(before, torch.optim.SGD(before.parameters(), lr=0.1), "sam", "only_norm", 0.1)
    step(method)
    step(other)
    assert distance(later, before) == 0


@pytest.mark.parametrize("scope", ["all", "only_norm", "random", "ssam_d"])
def test_a_layer_unfrozen_later_is_perturbed(scope: str) -> None:
    model = network("resnet8")
    model.stage1.requires_grad_(False)
    settings = {"sparsity": 0.5} if scope in ("random", "ssam_d") else {}
    method = SharpnessAware(model, sgd(model), "sam", scope, 0.1, settings=settings)
    seen: list[torch.Tensor] = []
    model.register_forward_pre_hook(lambda *_: seen.append(model.stage1[0].bn1.weight.detach().clone()))
    step(method)
    assert torch.equal(*seen)
    model.stage1.requires_grad_(True)
    seen.clear()
    step(method, 1)
    assert not torch.equal(*seen)


def test_nothing_left_to_perturb_is_an_error() -> None:
    model = network("groupnorm")
    method = SharpnessAware(model, sgd(model), "sam", ["head.weight"], 0.1)
    model.head.requires_grad_(False)
    with pytest.raises(ValueError, match="no trainable parameter in this scope"):
        step(method)


def test_only_the_optimizers_parameters_are_perturbed() -> None:
    model, seen = network("groupnorm"), []
    optimizer = torch.optim.SGD(model.head.parameters(), lr=0.1)
    method = SharpnessAware(model, optimizer, "sam", "all", 0.1)
    assert set(method._scope.tensors) == {"head.weight", "head.bias"}
    model.register_forward_pre_hook(lambda *_: seen.append(model.conv1.weight.detach().clone()))
    for seed in range(3):
        step(method, seed)
    assert all(torch.equal(seen[0], later) for later in seen)
    assert model.conv1.weight.grad is None
    assert model.conv1.weight.requires_grad


def test_gradients_of_parameters_that_no_optimizer_of_ours_holds_are_left_alone() -> None:
    model = network("groupnorm")
    method = SharpnessAware(model, torch.optim.SGD(model.head.parameters(), lr=0.1), "sam", "all", 0.1)
    own = model.conv1.weight.grad = torch.ones_like(model.conv1.weight)
    step(method)
    assert model.conv1.weight.grad is own
    assert bool((own == 1).all())


def test_a_group_added_later_counts() -> None:
    model = network("groupnorm")
    optimizer = torch.optim.SGD(model.head.parameters(), lr=0.1)
    method = SharpnessAware(model, optimizer, "sam", "all", 0.1)
    step(method)
    optimizer.add_param_group({"params": list(model.gn2.parameters())})
    before = model.gn2.weight.detach().clone()
    step(method)
    assert set(method._scope.tensors) == {"gn2.weight", "gn2.bias", "head.weight", "head.bias"}
    assert not torch.equal(model.gn2.weight, before)


def test_several_optimizers_are_one_step() -> None:
    both, one = network("groupnorm"), network("groupnorm")
    parts = [sgd(both.head), torch.optim.SGD([p for n, p in both.named_parameters() if "head" not in n], lr=0.05)]
    parts[1].param_groups[0].update(momentum=0.9, weight_decay=5e-4)
    several = SharpnessAware(both, parts, "layerwise_l2", "all", 0.1, max_grad_norm=0.5)
    single = SharpnessAware(one, sgd(one), "layerwise_l2", "all", 0.1, max_grad_norm=0.5)
    for seed in range(3):
        step(several, seed)
        step(single, seed)
    assert distance(both, one) < 1e-12


class Tempered(nn.Module):
    """A loss with a parameter of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.temperature = nn.Parameter(torch.ones((), dtype=torch.float64))

    def forward(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """The mean loss."""
        return functional.cross_entropy(outputs * self.temperature, targets)


def test_a_parameter_of_the_loss_is_perturbed_too() -> None:
    model, loss = network("groupnorm"), Tempered()
    optimizer = torch.optim.SGD([*model.parameters(), *loss.parameters()], lr=0.1)
    method = SharpnessAware(model, optimizer, "sam", "all", 0.1)
    seen: list[float] = []
    loss.register_forward_pre_hook(lambda *_: seen.append(loss.temperature.item()))
    method.step_batch(*batch(), loss)
    assert seen[0] != seen[1]
    assert loss.temperature.item() != 1
