"""AutoPGD: projected gradient ascent that chooses its step size itself (Croce and Hein 2020, algorithm 1).

From δ₀ = 0 with step size η = 2ρ, where dir and Π are those of the ball (`bench.measures.sharpness.balls`):

    z = Π(δ_k + η·dir(g_k)),    δ_{k+1} = Π(δ_k + 0.75·(z − δ_k) + 0.25·(δ_k − δ_{k−1})),    δ₁ = z

At checkpoints η is halved, and the ascent goes on from the best point so far, if the loss rose in less than 75 % of
the steps since the last one, or neither η nor the best loss changed since then.

The code of Andriushchenko et al. 2023, which the paper's numbers come from, mixes z with δ_{k−1} alone and so lands its
first step at 0.75·z; `first_step = 0.75` does the latter. It doesn't go on from the best point after halving; we do.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from bench.measures.sharpness.balls import Ball

_MOMENTUM = 0.75
"""Share of a step after the first; the rest of it repeats the step before."""
_ENOUGH_RISES = 0.75
"""Share of the steps since the last checkpoint that must have raised the loss."""


class Point(NamedTuple):
    """A perturbation, and the loss there."""

    delta: Tensor
    loss: float
    gradient: Tensor


def checkpoints(steps: int) -> frozenset[int]:
    """The steps, counted from 0, after which the step size is looked at: ⌈p_j·steps⌉ with p₁ = 0.22 and shrinking gaps.

    Shares and gaps are added up as floating-point numbers, as in the authors' code: of 20 steps 15 is one, not 14.
    """
    shares = [0.0, 0.22]
    while shares[-1] < 1:
        shares.append(shares[-1] + max(shares[-1] - shares[-2] - 0.03, 0.06))
    return frozenset(math.ceil(share * steps) for share in shares[1:])


def ascend(
    evaluate: Callable[[Tensor], tuple[float, Tensor]], ball: Ball, *, steps: int, first_step: float = 1.0
) -> float:
    """The largest rise of the loss over all points of the ascent from 0, thus at least 0.

    `evaluate` gives loss and gradient (d,) at a perturbation (d,). ArithmeticError if a loss isn't finite.
    """

    def at(delta: Tensor) -> Point:
        loss, gradient = evaluate(delta)
        if not math.isfinite(loss):
            raise ArithmeticError(f"the loss is {loss} under a perturbation of at most ρ = {ball.rho:g}")
        return Point(delta, loss, gradient)

    start = current = best = at(torch.zeros_like(ball.scale))
    previous = start.delta
    size, looked_at = 2 * ball.rho, checkpoints(steps)
    rises, taken, best_before, halved = 0, 0, best.loss, False
    for number in range(steps):
        share = _MOMENTUM if number else first_step
        full = ball.project(current.delta + size * ball.direction(current.gradient))
        mixed = current.delta + share * (full - current.delta) + (1 - share) * (current.delta - previous)
        previous, reached = current.delta, at(ball.project(mixed))
        rises, taken = rises + (reached.loss > current.loss), taken + 1
        current = reached
        best = max(best, current, key=lambda point: point.loss)
        if number in looked_at:
            stuck = not halved and best.loss == best_before
            halved = rises < _ENOUGH_RISES * taken or stuck
            if halved:
                size, current = size / 2, best
            rises, taken, best_before = 0, 0, best.loss
    return best.loss - start.loss
