"""cifar10, cifar100: small photographs in memory, with the paper's normalisation; no validation split."""

from __future__ import annotations

from functools import lru_cache

import torch

from bench.data.files.cifar import CIFAR10, CIFAR100, CifarFiles
from bench.data.in_memory import InMemory
from bench.data.splits import Splits
from bench.registry import Preprocessing

PIXELS = Preprocessing(mean=(125.3 / 255, 123.0 / 255, 113.9 / 255), std=(63.0 / 255, 62.1 / 255, 66.7 / 255))
"""Mean and std over all pixels of CIFAR-10. The std that the SAM-ON code has there is a mean over images of each
one's own; the SSAM code has that of all pixels, also on CIFAR-100."""


@lru_cache(maxsize=1)
def load_cifar10(image_size: int) -> Splits:
    """50,000 training and 10,000 test images, 3×32×32."""
    return _load(CIFAR10, mean=(0.4914, 0.4822, 0.4465), std=(0.2023, 0.1994, 0.2010))


@lru_cache(maxsize=1)
def load_cifar100(image_size: int) -> Splits:
    """50,000 training and 10,000 test images, 3×32×32."""
    return _load(CIFAR100, mean=(0.5071, 0.4867, 0.4408), std=(0.2675, 0.2565, 0.2761))


def _load(files: CifarFiles, *, mean: tuple[float, ...], std: tuple[float, ...]) -> Splits:
    train, test = (InMemory(torch.from_numpy(images), torch.from_numpy(labels)) for images, labels in files.read())
    return Splits(train=train, validation=None, test=test, scale=255.0, mean=mean, std=std)
