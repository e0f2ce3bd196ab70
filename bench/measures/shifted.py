"""Accuracy on test sets with shifted images, among the classes that each covers.

A model chooses among the covered classes alone, as the authors of ImageNet-A and -R do; where an object of the
test set is several classes of ImageNet, any of them is right.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from bench.data import TEST_SETS
from bench.data.files.imagenet import TestSet
from bench.data.imagenet import load_test_set
from bench.measures.trained import Trained

_BATCH = 256


@torch.no_grad()
def accuracy(name: str, trained: Trained) -> float:
    """Top-1 accuracy in % over every image of the test set `name`."""
    source: TestSet = TEST_SETS[name].load()
    device = next(trained.model.parameters()).device
    splits = trained.splits
    split = load_test_set(source, trained.image_size).cropped(splits.crop, splits.interpolation).to(device)
    right = rightness(source).to(device)
    trained.model.eval()
    correct = 0
    for images, labels in splits.normalized(split.in_order(_BATCH)):
        correct += int(right[labels, chosen(trained.model(images), source)].sum())
    return 100.0 * correct / len(split)


def chosen(logits: Tensor, source: TestSet) -> Tensor:
    """(n, 1000) logits → (n,) ImageNet classes, the best among those that the test set covers."""
    classes = source.classes()
    if classes is None:
        return logits.argmax(1)
    covered = torch.tensor(classes, device=logits.device)
    return covered[logits[:, covered].argmax(1)]


def rightness(source: TestSet) -> Tensor:
    """(1000, 1000) bool: whether a class, along columns, is right for a label, along rows."""
    accepted = source.accepted()
    if accepted is None:
        return torch.eye(1000, dtype=torch.bool)
    right = torch.zeros(1000, 1000, dtype=torch.bool)
    for label, classes in accepted.items():
        right[label, list(classes)] = True
    return right


imagenet_v2 = partial(accuracy, "imagenet_v2")
imagenet_r = partial(accuracy, "imagenet_r")
imagenet_a = partial(accuracy, "imagenet_a")
imagenet_sketch = partial(accuracy, "imagenet_sketch")
objectnet = partial(accuracy, "objectnet")
