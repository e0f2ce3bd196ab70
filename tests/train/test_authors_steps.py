"""The steps and epochs of the SAM-ON code, item by item, against those that are made here."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from bench.papers.sam_on.recipes import RECIPES
from bench.sam import SharpnessAware
from bench.tasks.classification import build_splits
from bench.train.build import build_model, set_tf32
from bench.train.schedule import learning_rate
from bench.train.training import Training
from bench.trial import FIELDS, Trial

Make = Callable[..., Trial]
CPU = torch.device("cpu")
SAM = {"variant": "sam", "scope": "all", "rho": 0.5}
CIFAR = ["cifar-resnet", "cifar-vit"]


def of_recipe(make_trial: Make, name: str, **fields: Any) -> Trial:
    values = {field: value for field, value in RECIPES[name].values.items() if field in FIELDS}
    return make_trial(**values, **fields)


@pytest.fixture
def tf32_as_it_was() -> Iterator[None]:
    """What all kernels of the process share is set back."""
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32
    yield
    matmul.allow_tf32, cudnn.allow_tf32 = before


@pytest.mark.parametrize("name", CIFAR)
def test_the_cosine_ends_an_epoch_before_zero_and_has_no_warm_up(make_trial: Make, name: str) -> None:
    trial = of_recipe(make_trial, name)
    rates = [learning_rate(trial, epoch + 1) / trial.lr for epoch in range(trial.total_epochs)]
    assert rates == pytest.approx([(1 + math.cos(math.pi * epoch / 200)) / 2 for epoch in range(200)])
    assert rates[0] == 1
    assert rates[-1] == pytest.approx(6.2e-5, rel=0.01)


@pytest.mark.parametrize("name", CIFAR)
def test_both_passes_are_in_full_single_precision(make_trial: Make, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    small = {"epochs": 1, "batch_size": 512, "model": "resnet8", "augment": "none", "dataset": "digits"}
    values = {**RECIPES[name].values, **small}
    trial = make_trial(**SAM, **{field: value for field, value in values.items() if field in FIELDS})
    training, seen = Training(trial, CPU), []
    training.model.register_forward_hook(
        lambda module, inputs, output: seen.append((output.dtype, torch.is_autocast_enabled("cpu")))
    )
    training.step(*next(training.first_batches())[:2])
    assert seen == [(torch.float32, False)] * 2


def test_tf32_is_off_where_nobody_asks_for_it(make_trial: Make, tf32_as_it_was: None) -> None:
    for allowed in (True, of_recipe(make_trial, "cifar-resnet").tf32):
        set_tf32(torch.device("cuda"), allowed=allowed)
        assert [torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32] == [allowed] * 2
    assert not allowed


def test_images_are_normalized_by_all_pixels_of_cifar10_where_it_is_said(make_trial: Make) -> None:
    normalized = {}
    for whose in ("dataset", "cifar10_pixels"):
        trial = make_trial(dataset="fake:8x3x32x10", preprocessing=whose, batch_size=8)
        ((images, _, _),) = Training(trial, CPU).first_batches()
        normalized[whose] = images
        splits = build_splits(trial)
        pixels = images * torch.tensor(splits.std).view(-1, 1, 1) + torch.tensor(splits.mean).view(-1, 1, 1)
        torch.testing.assert_close(pixels * 255, (pixels * 255).round(), rtol=0, atol=1e-3)
    assert not torch.equal(normalized["dataset"], normalized["cifar10_pixels"])
    assert [round(255 * value, 1) for value in splits.mean + splits.std] == [125.3, 123.0, 113.9, 63.0, 62.1, 66.7]


def test_the_training_loss_is_that_at_the_unperturbed_weights(make_trial: Make) -> None:
    trial = make_trial(**SAM, epochs=1, batch_size=2048, label_smoothing=0.1)
    training, model = Training(trial, CPU), build_model(trial)
    ((images, labels, _),) = training.first_batches()
    row = training.run_epoch()
    expected = float(cross_entropy(model.train()(images), labels, label_smoothing=0.1).detach())
    assert row["train_loss"] == pytest.approx(expected, rel=1e-5)
    assert row["perturbed_loss"] > expected + 0.01


class Bowl(nn.Module):
    """½ Σ c·(w − a)² over two tensors, one with "weight" in its name."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([0.5, -2.0, 0.25], dtype=torch.float64))
        self.bias = nn.Parameter(torch.tensor([-0.5, 3.0], dtype=torch.float64))

    def forward(self) -> Tensor:
        """The loss."""
        return ((self.weight - 1) ** 2).sum() + 2 * ((self.bias + 1) ** 2).sum()


def perturbed(model: nn.Module, variant: str, rho: float, **settings: Any) -> dict[str, Tensor]:
    """ε by tensor, as pass 2 sees it."""
    start = {name: p.detach().clone() for name, p in model.named_parameters()}
    method = SharpnessAware(model, torch.optim.SGD(model.parameters(), lr=0.1), variant, rho=rho, settings=settings)
    seen: list[dict[str, Tensor]] = []

    def closure() -> Tensor:
        seen.append({name: p.detach() - start[name] for name, p in model.named_parameters()})
        return model()  # type: ignore[no-any-return]

    method.step(closure)
    return seen[1]


def by_the_authors_code(model: nn.Module, rho: float, *, kind: str, p: float, bias: bool, eta: float) -> list[Tensor]:
    """ε of their one optimizer, whose switches its variants are: T of each tensor, then the step for p = 2 or ∞."""
    named = dict(model.named_parameters())
    gradients = dict(zip(named, torch.autograd.grad(model(), [*named.values()]), strict=True))
    operator = {}
    for name, tensor in named.items():
        weight = tensor.detach()
        scaled = weight.abs() + eta if kind == "elementwise" else torch.full_like(weight, (1 + eta) * weight.norm())
        operator[name] = scaled if bias or "weight" in name else torch.ones_like(weight)
    if p == math.inf:
        return [rho * operator[name] * gradients[name].sign() for name in named]
    norm = torch.stack([(operator[name] * gradients[name]).norm() for name in named]).norm()
    return [rho * operator[name] ** 2 * gradients[name] / (norm + 1e-16) for name in named]


@pytest.mark.parametrize(("variant", "switches"), [
    ("elementwise_l2", {"kind": "elementwise", "p": 2, "bias": True, "eta": 0}),
    ("elementwise_l2_orig", {"kind": "elementwise", "p": 2, "bias": False, "eta": 0.01}),
    ("elementwise_linf", {"kind": "elementwise", "p": math.inf, "bias": True, "eta": 0}),
    ("layerwise_l2", {"kind": "layerwise", "p": 2, "bias": True, "eta": 0}),
])  # fmt: skip
def test_variants_are_the_authors_optimizer_with_its_switches_set(variant: str, switches: dict[str, Any]) -> None:
    expected = by_the_authors_code(Bowl(), 0.3, **switches)
    for ours, theirs in zip(perturbed(Bowl(), variant, 0.3).values(), expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=0)


class Slope(nn.Module):
    """A loss whose gradient is tiny, and the same everywhere."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1, dtype=torch.float64))

    def forward(self) -> Tensor:
        """The loss."""
        return 1e-16 * self.weight.sum()


def test_the_norm_is_divided_by_with_the_authors_floor() -> None:
    # ε = ρ·g / (‖g‖ + 1e-16), so that a gradient of the floor's size gives half of ρ.
    assert perturbed(Slope(), "sam", 0.3)["weight"].item() == pytest.approx(0.15)


def test_weights_are_restored_and_gradients_of_the_ascent_forgotten() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Linear(6, 3))
    x, y = torch.randn(16, 6), torch.randint(3, (16,))
    start = [p.detach().clone() for p in model.parameters()]
    method = SharpnessAware(model, torch.optim.SGD(model.parameters(), lr=0.0), rho=0.37)
    there: list[list[Tensor]] = []

    def closure() -> Tensor:
        there.append([p.detach().clone() for p in model.parameters()])
        return cross_entropy(model(x), y)

    method.step(closure)
    # A rate of zero leaves the weights to what is restored, which a subtraction would round.
    assert all(torch.equal(p, old) for p, old in zip(model.parameters(), start, strict=True))
    with torch.no_grad():
        for p, moved in zip(model.parameters(), there[1], strict=True):
            p.copy_(moved)
    gradients = torch.autograd.grad(cross_entropy(model(x), y), [*model.parameters()])
    for p, alone in zip(model.parameters(), gradients, strict=True):
        torch.testing.assert_close(p.grad, alone)


def test_outside_of_the_epochs_of_sam_a_step_is_the_base_optimizers(make_trial: Make) -> None:
    def trained(epochs: int, **fields: Any) -> list[list[Tensor]]:
        training, weights = Training(make_trial(epochs=3, **fields), CPU), []
        for _ in range(epochs):
            training.run_epoch()
            weights.append([p.detach().clone() for p in training.model.parameters()])
        return weights

    def same(ours: list[Tensor], theirs: list[Tensor]) -> bool:
        return all(torch.equal(one, other) for one, other in zip(ours, theirs, strict=True))

    partial, plain, whole = trained(2, **SAM, perturb_from=1, perturb_until=2), trained(2), trained(1, **SAM)
    assert same(partial[0], plain[0])
    assert not same(partial[0], whole[0])
    assert not same(partial[1], plain[1])
    early = trained(1, **SAM, perturb_until=1)
    assert same(early[0], whole[0])
