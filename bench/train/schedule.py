"""The learning rate: linear warm-up, then its schedule, then cool-down, as timm's training script counts them.

It is a function of the epoch, and of the step where it changes with every step, so that a resumed run needs no state
for it. What is counted is epochs or steps that have passed; the schedules are functions of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from bench.trial import Trial


@dataclass(frozen=True)
class Span:
    """Where in a training the learning rate is asked for, in epochs or in steps."""

    passed: int
    """Since the start, 0 for the first."""
    warmup: int
    total: int
    """Without the cool-down."""


def cosine(trial: Trial, span: Span) -> float:
    """Half a cosine over the whole training: it runs on under the warm-up (Loshchilov and Hutter 2017)."""
    return trial.min_lr + 0.5 * (trial.lr - trial.min_lr) * (1 + math.cos(math.pi * span.passed / span.total))


def linear(trial: Trial, span: Span) -> float:
    """A straight line from the end of the warm-up to that of the training."""
    return trial.min_lr + (trial.lr - trial.min_lr) * (span.total - span.passed) / (span.total - span.warmup)


def inverse_sqrt(trial: Trial, span: Span) -> float:
    """`lr` at the end of the warm-up, then by 1/√passed (Vaswani et al. 2017), never below `min_lr`."""
    return max(trial.min_lr, trial.lr * math.sqrt(max(span.warmup, 1) / max(span.passed, 1)))


def constant(trial: Trial, span: Span) -> float:
    """`lr` to the end."""
    return trial.lr


SCHEDULES: dict[str, Callable[[Trial, Span], float]] = {
    "cosine": cosine,
    "linear": linear,
    "inverse_sqrt": inverse_sqrt,
    "constant": constant,
}
"""The values of `lr_schedule`: what follows the warm-up."""


def learning_rate(trial: Trial, epoch: int, step: int = 0, steps_per_epoch: int = 1) -> float:
    """Learning rate in `epoch`, 1-based, and where it changes with every step, of its step `step`, 0-based."""
    by_step = trial.lr_per == "step"
    unit = steps_per_epoch if by_step else 1
    passed = (epoch - 1) * unit + (step if by_step else 0)
    span = Span(passed, trial.warmup_epochs * unit + trial.warmup_steps, trial.epochs * unit)
    if span.warmup and span.warmup >= span.total:
        raise ValueError(f"a warm-up of {span.warmup} of {span.total} steps leaves none at the full rate; shorten it")
    if passed < span.warmup:
        return trial.warmup_lr + (trial.lr - trial.warmup_lr) * passed / span.warmup
    if passed >= span.total:
        return trial.min_lr
    return SCHEDULES[trial.lr_schedule](trial, span)
