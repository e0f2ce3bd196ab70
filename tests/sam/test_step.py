"""Properties of the step itself: radius, what is computed, noise, running statistics, switching off, reports."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from bench.sam import SharpnessAware
from bench.sam.stages import parameter_stages
from tests.sam.references.networks import STAGED, batch, distance, network, sgd, states_equal

NORMALISED = ["all", "only_norm", "no_norm", "random", "only_norm[2]"]


def one_step(model: nn.Module, *arguments: object, **options: object) -> SharpnessAware:
    method = SharpnessAware(model, sgd(model), *arguments, **options)
    method.start_epoch(0, 1, batch(16))
    method.step_batch(*batch(), functional.cross_entropy)
    return method


@pytest.mark.parametrize("scope", NORMALISED)
@pytest.mark.parametrize("variant", ["sam", "gsam", "looksam"])
def test_perturbation_has_norm_rho(variant: str, scope: str) -> None:
    report = one_step(network("resnet8"), variant, scope, 0.37).last
    assert float(report.perturbation_norm) == pytest.approx(0.37, rel=1e-9)
    assert report.perturbed_loss > report.loss


@pytest.mark.parametrize("scope", ["ssam_f", "ssam_d"])
def test_ssam_is_not_renormalised(scope: str) -> None:
    report = one_step(network("resnet8"), "sam", scope, 0.37).last
    assert 0.1 < float(report.perturbation_norm) < 0.36


@pytest.mark.parametrize(("variant", "power"), [("elementwise_l2", 2), ("elementwise_linf", math.inf)])
def test_perturbation_relative_to_the_weights_has_norm_rho(variant: str, power: float) -> None:
    model, seen = network("resnet8"), []
    model.register_forward_pre_hook(lambda *_: seen.append([p.detach().clone() for p in model.parameters()]))
    method = SharpnessAware(model, sgd(model), variant, "all", 0.1)
    method.step_batch(*batch(), functional.cross_entropy)
    relative = [(b - a) / a.abs() for a, b in zip(*seen, strict=True)]
    length = torch.linalg.vector_norm(torch.cat([r.flatten() for r in relative]), power)
    assert float(length) == pytest.approx(0.1, rel=1e-6)


@contextmanager
def calls_of(*modules: nn.Module) -> Iterator[list[nn.Module]]:
    calls: list[nn.Module] = []
    handles = [module.register_forward_hook(lambda m, *_: calls.append(m)) for module in modules]
    yield calls
    for handle in handles:
        handle.remove()


@pytest.mark.parametrize("scope", ["all", "only_norm[1]", "only_norm[2]", "only_norm[2,3]", "only_norm[3]"])
@pytest.mark.parametrize("net", STAGED)
def test_the_prefix_runs_once(net: str, scope: str) -> None:
    model = network(net)
    blocks = list(model.blocks) if net == "vit" else [model.stage1, model.stage2, model.stage3]
    blocks = [block if net == "vit" else block[0] for block in blocks]
    method = one_step(model, "sam", scope)
    with calls_of(*blocks) as calls:
        method.step_batch(*batch(), functional.cross_entropy)
    first = 1 if scope == "all" else int(scope[10])
    assert [calls.count(block) for block in blocks] == [1] * (first - 1) + [2] * (len(blocks) - first + 1)


def test_ascent_takes_gradients_of_perturbed_tensors_only() -> None:
    model = network("resnet8")
    method = one_step(model, "sam", "only_norm")
    seen: list[str] = []
    for name, parameter in model.named_parameters():
        parameter.register_hook(lambda g, name=name: seen.append(name))
    method.step_batch(*batch(), functional.cross_entropy)
    counts = {name: seen.count(name) for name, _ in model.named_parameters()}
    assert counts == {name: 2 if name in method._scope.tensors else 1 for name in counts}


def test_ascent_records_a_graph_for_perturbed_tensors_only() -> None:
    model, seen = network("resnet8"), []
    method = one_step(model, "sam", "only_norm[3]")
    for stage in (model.stage1, model.stage3):
        stage[0].conv1.register_forward_hook(lambda module, *_: seen.append(module.weight.requires_grad))
    method.step_batch(*batch(), functional.cross_entropy)
    # The prefix once, for the descent; the tail without, then with its other weights.
    assert seen == [True, False, True]


class Noisy(nn.Module):
    """Dropout before and after what may be perturbed."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Flatten(), nn.Linear(192, 16), nn.Dropout(0.5), nn.LayerNorm(16))
        self.second = nn.Sequential(nn.Linear(16, 16), nn.Dropout(0.5), nn.LayerNorm(16), nn.Linear(16, 10))

    def segments(self) -> list[tuple[int, nn.Module]]:
        """Two stages."""
        return [(1, self.first), (2, self.second)]

    def forward(self, x: Tensor) -> Tensor:
        """(n, 3, 8, 8) → (n, 10)."""
        return self.second(self.first(x))


@pytest.mark.parametrize("scope", ["all", "only_norm[2]"])
def test_both_passes_share_their_noise(scope: str) -> None:
    torch.manual_seed(0)
    model, masks = Noisy().double(), []
    for part in (model.first[2], model.second[1]):
        part.register_forward_hook(lambda module, _, out: masks.append((module, out == 0)))
    method = SharpnessAware(model, sgd(model), "sam", scope, 0.1)
    for _ in range(2):
        masks.clear()
        method.step_batch(*batch(), functional.cross_entropy)
    last = [mask for module, mask in masks if module is model.second[1]]
    assert len(last) == 2
    assert torch.equal(*last)
    assert len(masks) == (4 if scope == "all" else 3)


def test_finding_the_prefix_draws_no_noise() -> None:
    # It happens in the first step of a process, so a resumed run would draw other noise than one that goes on.
    torch.manual_seed(0)
    model, losses = Noisy().double(), []
    method = SharpnessAware(model, torch.optim.SGD(model.parameters(), lr=0.0), "sam", "only_norm[2]", 0.1)
    for _ in range(2):
        torch.manual_seed(7)
        method.step_batch(*batch(), functional.cross_entropy)
        losses.append((method.last.loss, method.last.perturbed_loss, torch.rand(1)))
    assert losses[0] == losses[1]


def test_noise_differs_from_step_to_step() -> None:
    torch.manual_seed(0)
    model, masks = Noisy().double(), []
    model.second[1].register_forward_hook(lambda module, _, out: masks.append(out == 0))
    method = SharpnessAware(model, sgd(model), "sam", "only_norm[2]", 0.1)
    for _ in range(3):
        method.step_batch(*batch(), functional.cross_entropy)
    assert not torch.equal(masks[-1], masks[-3])


@pytest.mark.parametrize("momentum", [0.1, None])
@pytest.mark.parametrize("bn_stats", ["both", "first"])
def test_running_statistics_of_a_shared_prefix(momentum: float | None, bn_stats: str) -> None:
    shared, plain = network("resnet8"), network("resnet8")
    for model in (shared, plain):
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = momentum
    vars(plain)["forward"] = type(plain).forward.__get__(plain)
    names = [name for name in dict(shared.named_parameters()) if name.startswith("head")]
    for number in range(3):
        for model in (shared, plain):
            if number == 0:
                model.method = SharpnessAware(model, sgd(model), "sam", names, 0.1, bn_stats=bn_stats)
            model.method.step(lambda model=model: functional.cross_entropy(model(batch()[0]), batch()[1]))
    assert shared.stem[1].momentum == momentum
    assert distance(shared, plain) < 1e-12
    assert int(shared.stem[1].num_batches_tracked) == (6 if bn_stats == "both" else 3)


def test_layers_in_eval_mode_keep_their_statistics() -> None:
    model = network("resnet8")
    model.stem.eval()
    kept = model.stem[1].running_mean.clone()
    one_step(model, "sam", "only_norm[3]")
    assert torch.equal(model.stem[1].running_mean, kept)
    assert model.stage1.training
    assert not model.stem.training


def test_disabled_it_is_the_base_optimizer() -> None:
    aware, plain = network("resnet8"), network("resnet8")
    method = SharpnessAware(aware, sgd(aware), "sam", "only_norm", 0.1)
    method.enabled = False
    optimizer = sgd(plain)
    for number in range(2):
        x, y = batch(seed=number)
        method.step_batch(x, y, functional.cross_entropy)
        optimizer.zero_grad()
        functional.cross_entropy(plain(x), y).backward()
        optimizer.step()
    assert states_equal(aware, plain)
    assert method.last.perturbed_loss is None
    assert method.counts.unperturbed == 0


def test_returned_loss_and_report() -> None:
    model, (x, y) = network("groupnorm"), batch()
    expected = functional.cross_entropy(model(x), y)
    method = SharpnessAware(model, sgd(model), "sam", "all", 0.1)
    loss = method.step_batch(x, y, functional.cross_entropy)
    assert torch.equal(loss, expected.detach())
    assert not loss.requires_grad
    assert method.last.ascent_norm > 0
    assert method.last.gradient_norm > 0
    assert method.counts.steps == 1


def test_a_segment_that_changes_its_input_in_place_is_refused() -> None:
    model = Noisy().double()
    model.first = nn.Sequential(nn.Flatten(), nn.Linear(192, 16))
    model.second = nn.Sequential(nn.ReLU(inplace=True), nn.LayerNorm(16), nn.Linear(16, 10))
    model.double()
    method = SharpnessAware(model, sgd(model), "sam", "only_norm", 0.1)
    with pytest.raises(RuntimeError, match="changed its input in place"):
        method.step_batch(*batch(), functional.cross_entropy)


def test_stages_of_methods_and_modules() -> None:
    stages = parameter_stages(network("vit"))
    assert {stages[name] for name in ("cls_token", "pos_embed", "patch_embed.proj.weight")} == {1}
    assert {stages[name] for name in ("norm.weight", "norm.bias", "head.weight")} == {4}
    assert stages["blocks.1.norm2.weight"] == 2
    stages = parameter_stages(network("resnet8"))
    assert stages["stem.1.weight"] == 1
    assert stages["head.2.weight"] == 3
