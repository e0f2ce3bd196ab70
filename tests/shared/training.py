"""Trainings that others are compared with, and how far off they are where rounding differs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from bench.train.training import Training
from bench.trial import Trial

CPU = torch.device("cpu")
TRANSLATION: dict[str, Any] = {
    "dataset": "toy_translation", "model": "transformer_tiny", "optimizer": "adamw", "lr": 2e-3, "lr_per": "step",
    "lr_schedule": "inverse_sqrt", "warmup_steps": 4, "weight_decay": 1e-4, "label_smoothing": 0.1,
    "batch_size": 512, "epochs": 3, "augment": "none",
    "settings": (("beta1", 0.9), ("beta2", 0.98), ("dropout", 0.1), ("eps", 1e-8)),
}  # fmt: skip
"""A small transformer on a made-up language."""
SMALL: dict[str, Any] = {"dataset": "fake:256x1x8x10", "batch_size": 64}
"""For tests that don't ask what is learned: four steps an epoch, a fifth of the time that digits take."""


def trained(trial: Trial) -> Training:
    """To its end, in this process."""
    training = Training(trial, CPU)
    for _ in range(trial.total_epochs):
        training.run_epoch()
    return training


def deviation(weights: Mapping[str, Tensor], trial: Trial, whole: Training) -> float:
    """How far parameters lie from those of `whole`, as a share of the way that they went since the start.

    No single weight can be compared: rounding, which depends on the processor, decides which side of a kink a unit is
    on, and every step amplifies that.
    """
    start = dict(Training(trial, CPU).model.named_parameters())
    ends = dict(whole.model.named_parameters())
    with torch.no_grad():
        off = sum(float((weights[name].double() - end.double()).square().sum()) for name, end in ends.items())
        way = sum(float((start[name].double() - end.double()).square().sum()) for name, end in ends.items())
    return (off / way) ** 0.5
