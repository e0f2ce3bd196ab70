"""cifar10, cifar100: torchvision's files, with the paper's normalisation; no validation split."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

import torch
from torchvision.datasets import CIFAR10, CIFAR100

from bench.data.splits import Split, Splits


def data_root() -> Path:
    """Folder of the data sets: the environment variable SAMBENCH_DATA, or `data` in the working directory."""
    return Path(os.environ.get("SAMBENCH_DATA", "data"))


@lru_cache(maxsize=1)
def load_cifar10() -> Splits:
    """50,000 training and 10,000 test images, 3×32×32."""
    return _load(CIFAR10, mean=(0.4914, 0.4822, 0.4465), std=(0.2023, 0.1994, 0.2010))


@lru_cache(maxsize=1)
def load_cifar100() -> Splits:
    """50,000 training and 10,000 test images, 3×32×32."""
    return _load(CIFAR100, mean=(0.5071, 0.4867, 0.4408), std=(0.2675, 0.2565, 0.2761))


def _load(kind: type[CIFAR10], *, mean: tuple[float, ...], std: tuple[float, ...]) -> Splits:
    train, test = (_read(kind, train=train) for train in (True, False))
    return Splits(train=train, validation=None, test=test, scale=255.0, mean=mean, std=std)


def _read(kind: type[CIFAR10], *, train: bool) -> Split:
    root = data_root()
    try:
        stored = kind(str(root), train=train, download=False)
    except RuntimeError as error:
        expected = root / kind.base_folder
        message = f"{kind.__name__}: {expected} holds no whole copy of torchvision's files"
        raise FileNotFoundError(f"{message}; set SAMBENCH_DATA to their parent folder") from error
    images = torch.from_numpy(stored.data).permute(0, 3, 1, 2).contiguous()
    return Split(images, torch.tensor(stored.targets))
