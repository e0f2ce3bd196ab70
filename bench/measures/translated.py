"""BLEU reported by a training run, at the epoch that validation chooses."""

from __future__ import annotations

from bench.measures.trained import TrainedModel


def of_test(trained: TrainedModel) -> float:
    """BLEU on the test split after the epoch with the highest validation BLEU."""
    return float(max(trained.history, key=lambda epoch: float(epoch["val_bleu"]))["test_bleu"])


def of_validation(trained: TrainedModel) -> float:
    """The highest BLEU on the validation split."""
    return max(float(epoch["val_bleu"]) for epoch in trained.history)
