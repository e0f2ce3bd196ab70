"""Predict: the outputs of a model for every image of the test split."""

from __future__ import annotations

import torch
from torch import nn

from bench.data.split import EpochShare
from bench.data.splits import Splits
from bench.measures.accuracy import BATCH
from bench.measures.outputs import Outputs


@torch.no_grad()
def predict(model: nn.Module, splits: Splits) -> Outputs:
    """In eval mode and in the batches in which accuracies are taken; by one process alone."""
    model.eval()
    logits, labels = [], []
    for images, classes in splits.normalized(splits.test.in_order(BATCH, EpochShare(rank=0, size=1))):
        found = model(images).float()
        logits.append((found - found.amax(1, keepdim=True)).half().cpu())
        labels.append(classes.cpu())
    return Outputs.of(torch.cat(logits).numpy(), torch.cat(labels).to(torch.int32).numpy())
