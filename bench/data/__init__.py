"""DATASETS and AUGMENTATIONS: what models are trained and tested on, as light records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.registry import Entry

if TYPE_CHECKING:
    from bench.data.splits import Splits

DATASETS: dict[str, Entry] = {
    "digits": Entry(
        target="bench.data.digits:load",
        summary="1,797 scanned digits of 8×8 in 10 classes; 1,079 train, 359 validation, 359 test",
        source="scikit-learn, UCI optical recognition of handwritten digits",
        traits={"num_classes": 10, "in_channels": 1, "image_size": 8, "flip": False},
    ),
    "cifar10": Entry(
        target="bench.data.cifar:load_cifar10",
        summary="60,000 photographs of 32×32 in 10 classes; 50,000 train, 10,000 test, no validation",
        source="Krizhevsky 2009",
        traits={"num_classes": 10, "in_channels": 3, "image_size": 32, "flip": True},
    ),
    "cifar100": Entry(
        target="bench.data.cifar:load_cifar100",
        summary="60,000 photographs of 32×32 in 100 classes; 50,000 train, 10,000 test, no validation",
        source="Krizhevsky 2009",
        traits={"num_classes": 100, "in_channels": 3, "image_size": 32, "flip": True},
    ),
}

AUGMENTATIONS: dict[str, Entry] = {
    "none": Entry(target="bench.data.augment:none", summary="images as they are"),
    "basic": Entry(
        target="bench.data.augment:basic",
        summary="random crop with zero padding of an eighth of the size; flip, where the labels allow it",
    ),
}


def load(name: str) -> Splits:
    """The splits of data set `name`, on the CPU."""
    splits: Splits = DATASETS[name].load()()
    return splits
