"""Checks: fields of a trial that must fit each other.

A check looks at completed values and gives the problem that it finds: the fields at fault, the one to point at
first, and what is wrong with the way out.
"""

from __future__ import annotations

from collections.abc import Callable

from bench.sweep.checks.method import base_optimizer, decay, method, radius, settings
from bench.sweep.checks.mismatch import Mismatch, Missing, Values
from bench.sweep.checks.training import images, micro_batches, precision, preprocessing, schedule, task

CHECKS: tuple[Callable[[Values], Mismatch | None], ...] = (
    task, micro_batches, images, preprocessing, precision, schedule, method, radius, base_optimizer, decay, settings
)  # fmt: skip
"""All of them; each stands alone, so that a sweep's faults are reported together."""


def find_problems(values: Values) -> list[Mismatch]:
    """What all checks find that know the values they look at."""
    found = []
    for check in CHECKS:
        try:
            problem = check(values)
        except Missing:
            continue
        if problem:
            found.append(problem)
    return found


CHECKED = frozenset(
    {
        "label_noise", "val_fraction", "init_from", "drop_last", "channels_last", "compile",
        "batch_size", "m", "dataset", "augment", "image_size", "preprocessing", "model", "precision", "ascent_dtype",
        "warmup_epochs", "epochs", "min_lr", "lr", "variant", "optimizer", "scope", "rho", "trainable",
        "weight_decay_on", "norm_dropout", "lr_min", "rho_min", "warmup_lr", "warmup_steps", "lr_schedule", "lr_per",
        "cooldown_epochs", "momentum", "nesterov", "beta1", "beta2", "weight_decay",
    }
)  # fmt: skip
"""Fields that a check looks at."""
