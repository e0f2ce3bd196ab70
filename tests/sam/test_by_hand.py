"""Closed-form cases, computed by hand, for each variant: weight (3, −4), bias (0, 2), gradient (1, 2) and (2, 0)."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bench.sam import SharpnessAware

RHO = 0.3


class Linear(nn.Module):
    """A loss that is linear in its parameters: its gradient is the same everywhere."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([3.0, -4.0], dtype=torch.float64))
        self.bias = nn.Parameter(torch.tensor([0.0, 2.0], dtype=torch.float64))

    def forward(self) -> Tensor:
        """1·w₁ + 2·w₂ + 2·b₁."""
        return self.weight[0] + 2 * self.weight[1] + 2 * self.bias[0]


def perturbation(variant: str, **settings: Any) -> list[float]:
    """ε as pass 2 sees it."""
    model, seen = Linear(), []
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    method = SharpnessAware(model, optimizer, variant, "all", RHO, settings=settings)
    start = torch.cat([model.weight, model.bias]).detach()

    def closure() -> Tensor:
        seen.append(torch.cat([model.weight, model.bias]).detach() - start)
        return model()

    method.step(closure)
    assert len(seen) == 2
    return seen[1].tolist()


# By hand: g = (1, 2 | 2, 0), ‖g‖ = 3; |w| = (3, 4 | 0, 2); ‖weight‖ = 5, ‖bias‖ = 2.
CASES: list[tuple[str, dict[str, float], list[float], float]] = [
    ("sam", {}, [1, 2, 2, 0], 3),
    ("gsam", {}, [1, 2, 2, 0], 3),
    ("looksam", {}, [1, 2, 2, 0], 3),
    ("elementwise_l2", {}, [9, 32, 0, 0], math.sqrt(9 + 64)),
    ("elementwise_l2", {"eta": 1.0}, [16, 50, 2, 0], math.sqrt(16 + 100 + 4)),
    ("elementwise_l2_orig", {"eta": 1.0}, [16, 50, 2, 0], math.sqrt(16 + 100 + 4)),
    ("elementwise_l2_orig", {"eta": 0.0}, [9, 32, 2, 0], math.sqrt(9 + 64 + 4)),
    ("elementwise_linf", {}, [3, 4, 0, 0], 1),
    ("elementwise_linf", {"eta": 0.5}, [3.5, 4.5, 0.5, 0], 1),
    ("layerwise_l2", {}, [25, 50, 8, 0], math.sqrt(25 + 100 + 16)),
    ("layerwise_l2", {"eta": 1.0}, [36, 72, 18, 0], math.sqrt(36 + 144 + 36)),
    ("fisher", {}, [1 / 2, 2 / 5, 2 / 5, 0], math.sqrt(1 / 2 + 4 / 5 + 4 / 5)),
    ("fisher", {"eta": 0.0}, [1, 2, 2, 0], 3),
]


@pytest.mark.parametrize(("variant", "settings", "numerator", "denominator"), CASES)
def test_perturbation(variant: str, settings: dict[str, float], numerator: list[float], denominator: float) -> None:
    expected = [RHO * entry / denominator for entry in numerator]
    assert perturbation(variant, **settings) == pytest.approx(expected, abs=1e-12)


class Quadratic(nn.Module):
    """Loss ½(w₁² + 3·w₂²): gradient (w₁, 3·w₂)."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([4.0, 1.0], dtype=torch.float64))

    def forward(self) -> Tensor:
        """The loss."""
        return (self.weight[0] ** 2 + 3 * self.weight[1] ** 2) / 2


def updates(variant: str, steps: int, rho: float, lr: float = 0.1, **settings: Any) -> list[Tensor]:
    """The directions that SGD descended along."""
    model = Quadratic()
    method = SharpnessAware(model, torch.optim.SGD(model.parameters(), lr=lr), variant, "all", rho, settings=settings)
    made = []
    for _ in range(steps):
        before = model.weight.detach().clone()
        method.step(model)
        made.append((before - model.weight.detach()) / lr)
    return made


def test_sam_descends_along_the_gradient_at_the_perturbed_weights() -> None:
    # g = (4, 3), ‖g‖ = 5, ε = 5·g/5 = (4, 3), w + ε = (8, 4), gradient there (8, 12).
    assert updates("sam", 1, 5.0)[0].tolist() == pytest.approx([8, 12])


def test_gsam_subtracts_the_orthogonal_part() -> None:
    # g = (4, 3), g_p = (8, 12): ⟨g, g_p⟩ = 68, ‖g_p‖² = 208, g⊥ = (4, 3) − 68/208·(8, 12) = (18, −12)/13.
    expected = [8 - 0.5 * 18 / 13, 12 + 0.5 * 12 / 13]
    assert updates("gsam", 1, 5.0, alpha=0.5)[0].tolist() == pytest.approx(expected)


def test_looksam_remembers_the_orthogonal_part() -> None:
    # g_s = (8, 12), g = (4, 3): g_v = g_s − ⟨g, g_s⟩/‖g‖²·g = (8, 12) − 68/25·(4, 3) = (−72, 96)/25; ‖g_v‖ = 24/5.
    first, second, third = updates("looksam", 3, 5.0, lr=0.1, alpha=0.5, every=2)
    assert first.tolist() == pytest.approx([8, 12])
    w = torch.tensor([4 - 0.8, 1 - 1.2], dtype=torch.float64)
    g = w * torch.tensor([1.0, 3.0], dtype=torch.float64)
    v = torch.tensor([-0.6, 0.8], dtype=torch.float64)
    assert second.tolist() == pytest.approx((g + 0.5 * g.norm() * v).tolist(), rel=1e-6)
    w = w - 0.1 * second
    g = w * torch.tensor([1.0, 3.0], dtype=torch.float64)
    perturbed = (w + 5 * g / g.norm()) * torch.tensor([1.0, 3.0], dtype=torch.float64)
    assert third.tolist() == pytest.approx(perturbed.tolist())


@pytest.mark.parametrize(("lr", "radius"), [(0.1, 0.4), (0.055, 0.3), (0.01, 0.2)])
def test_gsam_radius_follows_the_learning_rate(lr: float, radius: float) -> None:
    model = Quadratic()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    method = SharpnessAware(model, optimizer, "gsam", "all", 0.4, settings={"rho_min": 0.2, "lr_min": 0.01})
    optimizer.param_groups[0]["lr"] = lr
    method.step(model)
    assert method.last is not None
    assert float(method.last.perturbation_norm) == pytest.approx(radius)


class PerSample(nn.Module):
    """Sample i costs x_i·w²: at w = 1 sharpness grows with x."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        """(n,) → (n,) costs."""
        return x * self.weight**2


def test_esam_keeps_the_samples_whose_loss_rises_most() -> None:
    model = PerSample()
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    method = SharpnessAware(model, optimizer, "esam", "all", 0.5, settings={"tensor_share": 1.0, "sample_share": 0.6})
    x = torch.tensor([3.0, 1.0, 4.0, 2.0], dtype=torch.float64)
    loss = method.step_batch(x, x, lambda costs, _: costs.mean())
    # ε = 0.5; int(0.6·4) = 2 samples, 3 and 4, with mean 3.5: gradient 2·3.5·1.5 = 10.5.
    assert float(loss) == 2.5
    assert model.weight.item() == pytest.approx(1 - 10.5, abs=1e-6)
    assert method.last is not None
    assert float(method.last.perturbed_loss) == pytest.approx(3.5 * 1.5**2, abs=1e-6)


def test_esam_makes_up_for_the_tensors_left_out() -> None:
    model = Linear()
    model.forward = lambda x: x * (model.weight.sum() + model.bias.sum())  # type: ignore[method-assign]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    method = SharpnessAware(model, optimizer, "esam", "all", 0.5, settings={"tensor_share": 0.5}, seed=1)
    x, norms = torch.ones(4, dtype=torch.float64), []
    for _ in range(20):
        method.step_batch(x, x, lambda costs, _: costs.mean())
        assert method.last is not None
        norms.append(method.last.perturbation_norm)
    drawn = [float(norm) for norm in norms if norm is not None]
    assert drawn == pytest.approx([1.0] * len(drawn), abs=1e-6)
    # Both left out: a plain step, counted. A chance of a quarter.
    assert 0 < method.counts.unperturbed < 15
    assert len(drawn) == 20 - method.counts.unperturbed


class Shared(nn.Module):
    """Two parameters whose gradient is one tensor, and an expanded one at that."""

    def __init__(self) -> None:
        super().__init__()
        self.left = nn.Parameter(torch.ones(2, dtype=torch.float64))
        self.right = nn.Parameter(torch.full((2,), 2.0, dtype=torch.float64))

    def forward(self) -> Tensor:
        """The sum of all entries."""
        return (self.left + self.right).sum()


@pytest.mark.parametrize(("variant", "left", "right"), [("sam", 0.5, 0.5), ("layerwise_l2", 0.2, 0.8)])
def test_gradients_that_share_memory(variant: str, left: float, right: float) -> None:
    # g = (1, 1 | 1, 1); layerwise T² = 2 and 8, ‖Tg‖ = √20; ρ = 1, or √20/10 for round numbers.
    model, seen = Shared(), []
    rho = 1.0 if variant == "sam" else math.sqrt(20) / 10
    method = SharpnessAware(model, torch.optim.SGD(model.parameters(), lr=0.0), variant, "all", rho)

    def closure() -> Tensor:
        seen.append((model.left.tolist(), model.right.tolist()))
        return model()

    method.step(closure)
    assert seen[1][0] == pytest.approx([1 + left] * 2)
    assert seen[1][1] == pytest.approx([2 + right] * 2)
