"""Worst-case sharpness: how far the training loss can rise in a ball around the weights, batch by batch.

m-sharpness of Foret et al. 2021 as Andriushchenko et al. 2023 and Müller et al. 2023 (eq. 6) measure it: the mean over
batches of m of max L(w + δ) − L(w), ‖T⁻¹δ‖ ≤ ρ. Running statistics stay those of the training.
"""

from __future__ import annotations

from functools import partial
from statistics import fmean

from torch import Tensor

from bench.measures.sharpness.auto_pgd import ascend
from bench.measures.sharpness.balls import BALLS
from bench.measures.sharpness.weight_space import WeightSpace, first_batches
from bench.measures.trained import Trained


def worst_case(
    trained: Trained,
    *,
    norm: str,
    adaptive: bool,
    rho: float,
    normalize_logits: bool,
    samples: int,
    m: int,
    steps: int,
    first_step: float,
) -> float:
    """The rise in nats, at least 0; settings as in the registry. ArithmeticError if it isn't finite."""
    space = WeightSpace(trained.model, normalize_logits=normalize_logits)
    ball = BALLS[norm](space.weights, rho, adaptive=adaptive)
    return fmean(
        ascend(partial(_evaluate, space, images, labels), ball, steps=steps, first_step=first_step)
        for images, labels in first_batches(trained, samples, m)
    )


def _evaluate(space: WeightSpace, images: Tensor, labels: Tensor, delta: Tensor) -> tuple[float, Tensor]:
    return space.gradient(space.weights + delta, images, labels)
