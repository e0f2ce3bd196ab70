"""Sharpness by hand: losses whose largest and mean rise in a ball are known in closed form."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from scipy.optimize import brentq
from torch import Tensor
from torch.nn.functional import softplus

from bench.measures.sharpness.auto_pgd import ascend, checkpoints
from bench.measures.sharpness.average import mean_rise
from bench.measures.sharpness.balls import BALLS, L2Ball, LinfBall
from bench.measures.sharpness.weight_space import normalized
from bench.measures.trained import Trained
from tests.measures.models import linear, small, trained
from tests.measures.taking import random, take

RHO = 0.1


def quadratic(curvature: Tensor, slope: Tensor) -> Callable[[Tensor], tuple[float, Tensor]]:
    """½ Σ h δ² + Σ b δ, and its gradient."""
    return lambda delta: (
        float(0.5 * (curvature * delta * delta).sum() + (slope * delta).sum()),
        curvature * delta + slope,
    )


def test_twenty_steps_are_looked_at_after_these() -> None:
    assert sorted(step for step in checkpoints(20) if step < 20) == [5, 9, 12, 15, 16, 18, 19]
    assert not {step for step in checkpoints(1) if step < 1}


def test_a_quadratic_in_a_sphere() -> None:
    """The maximum solves (λ − h) δ = b with ‖δ‖ = ρ and λ above every h (Moré and Sorensen 1983)."""
    curvature, slope = random(12).square(), random(12, seed=1)
    top = float(curvature.max())
    root = brentq(lambda shift: float((slope / (shift - curvature)).norm()) - 1.5, top + 1e-6, top + 1e3)
    loss = quadratic(curvature, slope)
    best, _ = loss(slope / (root - curvature))
    ball = L2Ball(torch.ones(12, dtype=torch.float64), 1.5, adaptive=False)
    assert ascend(loss, ball, steps=100) == pytest.approx(best, rel=1e-4)


def test_an_isotropic_quadratic_in_closed_form() -> None:
    slope = random(12)
    ball = L2Ball(random(12, seed=1), RHO, adaptive=False)
    rise = ascend(quadratic(torch.full((12,), 3.0, dtype=torch.float64), slope), ball, steps=20)
    assert rise == pytest.approx(1.5 * RHO**2 + RHO * float(slope.norm()), rel=1e-9)


@pytest.mark.parametrize("steps", [1, 20])
@pytest.mark.parametrize("adaptive", [False, True])
def test_a_linear_loss_in_a_box(adaptive: bool, steps: int) -> None:
    weights, slope = random(12), random(12, seed=1)
    loss = quadratic(torch.zeros(12, dtype=torch.float64), slope)
    ball = LinfBall(weights, RHO, adaptive=adaptive)
    scale = weights.abs() if adaptive else torch.ones_like(weights)
    most = RHO * float((slope.abs() * scale).sum())
    assert ascend(loss, ball, steps=steps) == pytest.approx(most, rel=1e-12)
    share = 0.75 if steps == 1 else 1.0
    assert ascend(loss, ball, steps=steps, first_step=0.75) == pytest.approx(share * most, rel=1e-9)


def test_a_linear_loss_in_an_ellipsoid() -> None:
    """Its maximum over Σ (δ/|w|)² ≤ ρ² is ρ ‖g·w‖; a weight of zero stays."""
    weights, slope = 1 + 0.3 * random(12).tanh(), random(12, seed=1)
    weights[3] = 0.0
    plain = quadratic(torch.zeros(12, dtype=torch.float64), slope)
    moved: list[float] = []

    def loss(delta: Tensor) -> tuple[float, Tensor]:
        moved.append(float(delta[3]))
        return plain(delta)

    rise = ascend(loss, L2Ball(weights, RHO, adaptive=True), steps=100)
    most = RHO * float((slope * weights).norm())
    assert most * (1 - 1e-3) < rise <= most * (1 + 1e-9)
    assert not any(moved)


def test_the_step_is_halved_until_it_finds_a_maximum_inside_the_ball() -> None:
    centre = 0.3 * RHO * random(12).sign()

    def loss(delta: Tensor) -> tuple[float, Tensor]:
        return -float((delta - centre).square().sum()), -2 * (delta - centre)

    ball = LinfBall(random(12), RHO, adaptive=False)
    assert ascend(loss, ball, steps=100) == pytest.approx(float(centre.square().sum()), rel=1e-3)


def test_where_the_loss_only_falls_the_rise_is_zero() -> None:
    falls = quadratic(torch.full((12,), -50.0, dtype=torch.float64), 1e-3 * random(12))
    assert ascend(falls, LinfBall(random(12), RHO, adaptive=False), steps=1) == 0.0


def test_a_loss_that_is_not_finite_is_an_error() -> None:
    def loss(delta: Tensor) -> tuple[float, Tensor]:
        return (math.inf if delta.any() else 0.0), torch.ones_like(delta)

    with pytest.raises(ArithmeticError, match="the loss is inf"):
        ascend(loss, LinfBall(random(3), RHO, adaptive=False), steps=1)


@pytest.mark.parametrize("adaptive", [False, True])
def test_projections_are_the_nearest_points(adaptive: bool) -> None:
    """Against KKT: δ − Π(δ) is a nonnegative multiple of the normal Π(δ)/T², and the length is ρ."""
    weights, delta = random(50), random(50, seed=1)
    ball = L2Ball(weights, RHO, adaptive=adaptive)
    inside = ball.project(delta)
    assert float((inside / ball.scale).norm()) == pytest.approx(RHO, rel=2e-6)
    multiples = (delta - inside) * ball.scale.square() / inside
    assert float(multiples.min()) > 0
    assert float(multiples.max() / multiples.min()) == pytest.approx(1, rel=1e-6)
    assert torch.equal(ball.project(1e-3 * inside), 1e-3 * inside)


@pytest.mark.parametrize(("norm", "variance"), [("l2", 1.0), ("linf", 1 / 3)])
@pytest.mark.parametrize("adaptive", [False, True])
def test_the_average_over_a_quadratic_is_half_its_trace(norm: str, variance: float, adaptive: bool) -> None:
    curvature, weights = random(20_000).square(), random(20_000, seed=1)
    ball = BALLS[norm](weights, RHO, adaptive=adaptive)
    rise = mean_rise(lambda delta: quadratic(curvature, torch.zeros_like(delta))(delta)[0], ball, 20, 0)
    trace = (curvature * weights.square()).sum() if adaptive else curvature.sum()
    assert rise == pytest.approx(RHO**2 / 2 * variance * float(trace), rel=0.02)


IMAGES = torch.tensor([[3, 1], [2, 5], [7, 4], [1, 6]], dtype=torch.uint8).view(4, 2, 1, 1)
LABELS = torch.tensor([0, 1, 1, 0])
WEIGHT = torch.tensor([[0.4, -0.3], [0.1, 0.2]])
"""Two classes: the loss is softplus of minus the margin, and its gradient has one direction."""


@pytest.mark.parametrize("settings", ["norm=l2,adaptive=false", "norm=linf,adaptive=true", "norm=linf,adaptive=false"])
@pytest.mark.parametrize("steps", [1, 20])
def test_m_sharpness_of_a_linear_classifier(settings: str, steps: int) -> None:
    """Batches of one image: how far its margin can shrink is the dual norm of (−x, x)."""
    pixels = IMAGES.flatten(1).float()
    margins = (pixels * (WEIGHT[LABELS] - WEIGHT[1 - LABELS])).sum(1)
    shrink = {
        "norm=l2,adaptive=false": math.sqrt(2) * pixels.norm(dim=1),
        "norm=linf,adaptive=true": pixels @ WEIGHT.abs().sum(0),
        "norm=linf,adaptive=false": 2 * pixels.sum(1),
    }[settings]
    expected = float((softplus(-(margins - RHO * shrink)) - softplus(-margins)).mean())
    of = trained(linear(WEIGHT), IMAGES, LABELS)
    name = f"sharpness[{settings},m=1,normalize_logits=false,rho={RHO},steps={steps}]"
    assert take(name, of) == pytest.approx(expected, rel=1e-5)


def test_normalized_logits_take_out_the_scale() -> None:
    logits = normalized(random(6, 5))
    assert torch.allclose(logits.mean(1), torch.zeros(6, dtype=torch.float64), atol=1e-12)
    assert torch.allclose(logits.norm(dim=1), torch.ones(6, dtype=torch.float64))
    assert torch.equal(normalized(torch.ones(1, 5)), torch.zeros(1, 5))
    weight = random(4, 2).float()
    values = [take("sharpness[m=2,rho=0.3]", trained(linear(scale * weight), IMAGES, LABELS)) for scale in (1.0, 10.0)]
    assert values[0] == pytest.approx(values[1], rel=1e-4)
    assert values[0] > 0.01


def test_only_whole_batches_count(make: Callable[[int], Trained]) -> None:
    assert take("sharpness[m=3,steps=2]", make(7)) == take("sharpness[m=3,steps=2]", make(6))
    assert take("sharpness[m=3,samples=5,steps=2]", make(7)) == take("sharpness[m=3,steps=2]", make(3))
    with pytest.raises(ValueError, match="7 training images fill no batch of m = 8"):
        take("sharpness[m=8]", make(7))


@pytest.fixture
def make() -> Callable[[int], Trained]:
    def made(count: int) -> Trained:
        of = small()
        return trained(of.model, of.splits.train.images[:count], of.splits.train.labels[:count])  # type: ignore[attr-defined]

    return made


def state(of: Trained) -> dict[str, Any]:
    return {name: value.clone() for name, value in of.model.state_dict().items()}


@pytest.mark.parametrize(
    "name",
    [
        "sharpness[m=16,norm=l2,rho=0.5]",
        "sharpness[m=16,rho=0.3,steps=3]",
        "average_sharpness[m=16]",
        "feature_rank",
        "robust_accuracy[eps=0.1,iterations=3]",
    ],
)
def test_the_model_is_left_to_the_bit_and_draws_repeat(name: str) -> None:
    """Weights, running statistics, gradients and torch's own generator; in eval mode, so that dropout is off."""
    of = small()
    before, parameters = state(of), list(of.model.parameters())
    generator = torch.get_rng_state()
    first = take(name, of)
    assert all(torch.equal(value, before[key]) for key, value in of.model.state_dict().items())
    assert all(one is other and one.grad is None for one, other in zip(of.model.parameters(), parameters, strict=True))
    assert torch.equal(torch.get_rng_state(), generator)
    assert not of.model.training
    torch.rand(3)
    assert take(name, of) == first


def test_the_model_is_left_to_the_bit_by_a_measure_that_fails() -> None:
    of = small()
    with torch.no_grad():
        of.model.head[3].bias.fill_(math.nan)
    before = state(of)
    with pytest.raises(ArithmeticError):
        take("sharpness[m=16]", of)
    assert all(torch.equal(value.nan_to_num(7), before[key].nan_to_num(7)) for key, value in state(of).items())


def test_batch_norm_uses_its_running_statistics() -> None:
    """One batch of one image has no variance of its own: in train mode its loss would be another."""
    of = small()
    value = take("sharpness[m=1,samples=1,steps=1,rho=0.1]", of)
    with torch.no_grad():
        of.model.stem[1].running_var.mul_(4.0)
    assert take("sharpness[m=1,samples=1,steps=1,rho=0.1]", of) != value
