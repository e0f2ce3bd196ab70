"""Average-case sharpness: how far the training loss rises on average under random perturbations of the weights.

The mean of L(w + δ) − L(w) over draws, δ = ρ·N(0, 1)·T or ρ·U[−1, 1]·T (Andriushchenko et al. 2023; Müller et al. 2023,
table 19). Each draw is of all weights and holds for all images. Draws depend on the trial's seed alone, so that methods
are compared under the same ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from statistics import fmean

import torch
from torch import Generator, Tensor

from bench.measures.sharpness.balls import BALLS, Ball
from bench.measures.sharpness.weight_space import Batches, WeightSpace, first_batches
from bench.measures.trained import Trained
from bench.seeds import derive


@torch.no_grad()
def average_case(
    trained: Trained,
    *,
    norm: str,
    adaptive: bool,
    rho: float,
    normalize_logits: bool,
    samples: int,
    m: int,
    draws: int,
) -> float:
    """The rise in nats, which may be negative; settings as in the registry. ArithmeticError if it isn't finite."""
    space = WeightSpace(trained.model, normalize_logits=normalize_logits)
    ball = BALLS[norm](space.weights, rho, adaptive=adaptive)
    return mean_rise(partial(_loss, space, list(first_batches(trained, samples, m))), ball, draws, trained.seed)


def mean_rise(loss: Callable[[Tensor], float], ball: Ball, draws: int, seed: int) -> float:
    """How far `loss`, a function of the perturbation (d,), rises on average over random draws."""
    losses = []
    for number in range(draws):
        generator = Generator().manual_seed(derive(seed, "average_sharpness", number))
        losses.append(loss(ball.draw(generator)))
    rise = fmean(losses) - loss(torch.zeros_like(ball.scale))
    if not math.isfinite(rise):
        raise ArithmeticError(f"the loss isn't finite under random perturbations of ρ = {ball.rho:g}")
    return rise


def _loss(space: WeightSpace, batches: Batches, delta: Tensor) -> float:
    """Mean over batches of equal size."""
    weights = space.weights + delta
    # Added up on the device: asking for each number would wait for it.
    return float(torch.stack([space.loss(weights, images, labels) for images, labels in batches]).double().mean())
