"""The learning rate of each epoch: linear warm-up, cosine, cool-down, as timm's training script counts them.

It is a function of the epoch, so that a resumed run needs no state for it.
"""

from __future__ import annotations

import math

from bench.trial import Trial


def learning_rate(trial: Trial, epoch: int) -> float:
    """Learning rate in `epoch`, 1-based.

    The cosine spans `epochs` from the first epoch on, and the warm-up covers its start.
    """
    passed = epoch - 1
    if passed < trial.warmup_epochs:
        return trial.warmup_lr + (trial.lr - trial.warmup_lr) * passed / trial.warmup_epochs
    if passed >= trial.epochs:
        return trial.min_lr
    return trial.min_lr + 0.5 * (trial.lr - trial.min_lr) * (1 + math.cos(math.pi * passed / trial.epochs))
