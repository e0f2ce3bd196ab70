"""imagenet, its shifted test sets, and folders of the user's own, read from disk."""

from __future__ import annotations

import torch

from bench.data.files.folders import Listing, UserFolder
from bench.data.files.imagenet import IMAGENET, ObjectNet, TestSet
from bench.data.on_disk import OnDisk
from bench.data.splits import Splits
from bench.registry import IMAGENET_PIXELS

_OBJECTNET_BORDER = 2
"""Its images carry a red frame of 2 pixels, so that nobody trains on them unnoticed."""


def load(image_size: int) -> Splits:
    """1,281,167 training images, and the 50,000 of ImageNet's validation split as the test split."""
    train, test = (_on_disk(IMAGENET.listing(split, IMAGENET.labels()), image_size) for split in ("train", "val"))
    return _splits(train, None, test)


def load_folder(folder: UserFolder, image_size: int) -> Splits:
    """The splits of a tree of the user's own."""
    train, validation, test = (
        _on_disk(folder.listing(split, folder.labels()), image_size) if split else None
        for split in ("train", folder.validation_split, folder.test_split)
    )
    assert train is not None
    assert test is not None
    return _splits(train, validation, test)


def load_test_set(source: TestSet, image_size: int) -> OnDisk:
    """The images of a shifted test set, with ImageNet's labels."""
    border = _OBJECTNET_BORDER if isinstance(source, ObjectNet) else 0
    return _on_disk(source.listing(".", source.labels()), image_size, border=border)


def _on_disk(listing: Listing, image_size: int, *, border: int = 0) -> OnDisk:
    return OnDisk(paths=listing.paths, labels=torch.tensor(listing.labels), size=image_size, border=border)


def _splits(train: OnDisk, validation: OnDisk | None, test: OnDisk) -> Splits:
    mean, std = IMAGENET_PIXELS.mean, IMAGENET_PIXELS.std
    return Splits(train=train, validation=validation, test=test, scale=255.0, mean=mean, std=std)
