"""Accuracy on a split, and the accuracies that a training run reports."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from bench import distributed
from bench.data.split import EpochShare, Split
from bench.data.splits import Splits
from bench.measures.trained import TrainedModel

BATCH = 512
"""Images of a batch that is evaluated."""


@torch.no_grad()
def evaluate(model: nn.Module, split: Split, splits: Splits) -> tuple[float, float]:
    """Mean cross-entropy in nats and accuracy in % over every sample once, in eval mode.

    Several processes share the samples.
    """
    model.eval()
    world = distributed.world()
    sums = torch.zeros(2, device=next(model.parameters()).device, dtype=torch.float64)
    for images, labels in splits.normalized(split.in_order(BATCH, EpochShare(rank=world.rank, size=world.size))):
        logits = model(images).float()
        # Added up on the device: asking for a number would wait for it.
        sums[0] += cross_entropy(logits, labels, reduction="sum")
        sums[1] += (logits.argmax(1) == labels).sum()
    loss, correct = distributed.add_up(sums).tolist()
    return loss / len(split), 100.0 * correct / len(split)


def of_test(trained: TrainedModel) -> float:
    """Test accuracy after the last epoch, %."""
    return float(trained.history[-1]["test_accuracy"])


def of_validation(trained: TrainedModel) -> float:
    """Validation accuracy after the last epoch, %."""
    return float(trained.history[-1]["val_accuracy"])


def best_of_test(trained: TrainedModel) -> float:
    """Highest test accuracy of any epoch, %."""
    return max(float(epoch["test_accuracy"]) for epoch in trained.history)


def best_of_validation(trained: TrainedModel) -> float:
    """Highest validation accuracy of any epoch, %."""
    return max(float(epoch["val_accuracy"]) for epoch in trained.history)
