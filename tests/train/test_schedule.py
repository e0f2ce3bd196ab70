"""Schedules beside torch's own schedulers, and the rate that the optimizer steps with."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.optim import SGD
from torch.optim.lr_scheduler import (
    ConstantLR,
    CosineAnnealingLR,
    LambdaLR,
    LinearLR,
    LRScheduler,
    SequentialLR,
)

from bench.train.schedule import learning_rate
from bench.train.training import Training
from bench.trial import Trial

Make = Callable[..., Trial]
STEPS, EPOCHS, WARMUP = 5, 8, 6
"""Steps per epoch, epochs, and steps of warm-up."""

AFTER_WARMUP: dict[str, Callable[[SGD, int], LRScheduler]] = {
    "cosine": lambda optimizer, left: CosineAnnealingLR(optimizer, left, eta_min=0.1),
    "linear": lambda optimizer, left: LinearLR(optimizer, 1.0, 0.1, total_iters=left),
    "constant": lambda optimizer, left: ConstantLR(optimizer, 1.0, total_iters=left),
}


def rates_of(scheduler: LRScheduler, count: int) -> list[float]:
    rates = []
    for _ in range(count):
        rates.append(scheduler.get_last_lr()[0])
        scheduler.optimizer.step()
        scheduler.step()
    return rates


def optimizer_at(lr: float) -> SGD:
    return SGD(nn.Linear(1, 1).parameters(), lr=lr)


@pytest.mark.parametrize("unit", ["epoch", "step"])
@pytest.mark.parametrize("name", AFTER_WARMUP)
def test_without_warm_up_rates_are_torchs(make_trial: Make, name: str, unit: str) -> None:
    trial = make_trial(lr=1.0, min_lr=0.1, lr_schedule=name, lr_per=unit, epochs=EPOCHS)
    steps = STEPS if unit == "step" else 1
    ours = [learning_rate(trial, epoch, step, STEPS) for epoch in range(1, EPOCHS + 1) for step in range(steps)]
    assert ours == pytest.approx(rates_of(AFTER_WARMUP[name](optimizer_at(1.0), EPOCHS * steps), EPOCHS * steps))


@pytest.mark.parametrize("name", ["linear", "constant"])
def test_a_warm_up_in_steps_comes_before_torchs_rates(make_trial: Make, name: str) -> None:
    fields = {"lr": 1.0, "min_lr": 0.1, "warmup_lr": 0.25, "lr_schedule": name, "lr_per": "step", "epochs": EPOCHS}
    trial = make_trial(**fields, warmup_steps=WARMUP)
    total, optimizer = EPOCHS * STEPS, optimizer_at(1.0)
    warm_up = LinearLR(optimizer, 0.25, 1.0, total_iters=WARMUP)
    torchs = SequentialLR(optimizer, [warm_up, AFTER_WARMUP[name](optimizer, total - WARMUP)], [WARMUP])
    ours = [learning_rate(trial, epoch, step, STEPS) for epoch in range(1, EPOCHS + 1) for step in range(STEPS)]
    assert ours == pytest.approx(rates_of(torchs, total))
    in_epochs = make_trial(**fields, warmup_epochs=2)
    assert [learning_rate(in_epochs, 1 + step // 5, step % 5, 5) for step in (0, 5, 10)] == [0.25, 0.625, 1.0]


def test_the_inverse_square_root_is_of_the_steps_and_meets_its_warm_up(make_trial: Make) -> None:
    """As Vaswani et al. 2017 write it, with the rate in place of their constant."""
    trial = make_trial(lr=2.0, lr_schedule="inverse_sqrt", lr_per="step", warmup_steps=WARMUP, epochs=EPOCHS)
    published = LambdaLR(optimizer_at(2.0), lambda n: WARMUP**0.5 * min(max(n, 1) ** -0.5, n * WARMUP**-1.5))
    ours = [learning_rate(trial, 1 + step // STEPS, step % STEPS, STEPS) for step in range(EPOCHS * STEPS)]
    assert ours == pytest.approx(rates_of(published, EPOCHS * STEPS))
    floored = make_trial(lr=2.0, min_lr=1.0, lr_schedule="inverse_sqrt", epochs=EPOCHS)
    assert [learning_rate(floored, epoch) for epoch in (1, 2, 3, 8)] == pytest.approx([2.0, 2.0, 2**0.5, 1.0])


def test_the_cool_down_is_at_the_lowest_rate_whatever_the_schedule(make_trial: Make) -> None:
    trial = make_trial(lr=1.0, min_lr=0.1, lr_schedule="constant", epochs=2, cooldown_epochs=1)
    assert [learning_rate(trial, epoch) for epoch in (1, 2, 3)] == [1.0, 1.0, 0.1]


def test_the_optimizer_steps_with_the_rate_of_its_step(make_trial: Make) -> None:
    trial = make_trial(lr_schedule="linear", lr_per="step", warmup_steps=2, epochs=2, batch_size=512)
    training, rates = Training(trial, torch.device("cpu")), []
    training._optimizer.register_step_pre_hook(lambda optimizer, *_: rates.append(optimizer.param_groups[0]["lr"]))
    rows = [training.run_epoch() for _ in range(2)]
    assert rates == pytest.approx([0.0, 0.025, 0.05, 0.0375, 0.025, 0.0125])
    assert [row["lr"] for row in rows] == [rates[0], rates[3]]


def test_a_warm_up_that_is_longer_than_the_training_is_refused(make_trial: Make) -> None:
    trial = make_trial(lr_per="step", warmup_steps=100, epochs=2)
    with pytest.raises(ValueError, match="a warm-up of 100 of 10 steps leaves none at the full rate"):
        learning_rate(trial, 1, 0, 5)
