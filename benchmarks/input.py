"""Images per second that the trainer gets from memory, against PIL transforms in a DataLoader with 2 workers.

    python benchmarks/input.py [--quick] [--rounds N]

Both give one epoch of augmented, normalized float batches of 128 from 10,000 images of 3×32×32, in a new random
order, on 2 threads. Ours is what training does: `InMemory.batches` augments chunks and splits them, and
`Splits.normalize` makes floats of each batch. The DataLoader applies transforms of the same meaning to PIL images that
are decoded before: torchvision's, or for `basic+aa` the SAM-ON authors' by Pillow. Its workers persist, and the first
epoch, in which they start, isn't counted. Both take turns within one run, so that a drifting machine slows them alike;
a ratio is the median over rounds. Target: 15 times the images per second.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from claims import claim
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader
from torchvision import transforms as T

from bench.data.augmentations.autoaugment import (
    NUMBERS,
    OPERATIONS,
    PROBABILITIES,
    basic_autoaugment,
    basic_autoaugment_torchvision,
)
from bench.data.augmentations.basic import basic
from bench.data.in_memory import InMemory
from bench.data.split import Augment, Augmentation
from bench.data.splits import Splits

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tests.data.pillow import by_pillow

BATCH = 128
THREADS = 2
WORKERS = 2
OUR_EPOCHS = 8
"""Epochs of ours per round: one alone would be too short to time well."""
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)


class AuthorsAutoAugment:
    """The policy on one PIL image, by Pillow, as in the SAM-ON code."""

    def __init__(self) -> None:
        self.policy = list(zip(NUMBERS.tolist(), PROBABILITIES.tolist(), strict=True))

    def __call__(self, image: Image.Image) -> Image.Image:
        for numbers, share in zip(*random.choice(self.policy), strict=True):
            if random.random() < share:
                image = by_pillow(image, OPERATIONS[random.choice(numbers)])
        return image


CROP_AND_FLIP = [T.RandomCrop(32, padding=4), T.RandomHorizontalFlip()]
TO_FLOAT = [T.ToTensor(), T.Normalize(MEAN, STD)]
METHODS: dict[str, tuple[Augment, list[Any], float]] = {
    "basic": (basic, [*CROP_AND_FLIP, *TO_FLOAT], 15.0),
    "basic+aa": (basic_autoaugment, [*CROP_AND_FLIP, AuthorsAutoAugment(), *TO_FLOAT], 15.0),
    "basic+aa_torchvision": (
        basic_autoaugment_torchvision,
        [*CROP_AND_FLIP, T.AutoAugment(T.AutoAugmentPolicy.CIFAR10), *TO_FLOAT],
        15.0,
    ),
}
"""Our augmentation, transforms of PIL images and the least ratio, by name."""


def smooth_images(n: int) -> Tensor:
    """uint8 (n, 3, 32, 32): noise of 8×8 enlarged, since histograms of photographs aren't those of noise."""
    noise = torch.rand(n, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    enlarged = torch.nn.functional.interpolate(noise, size=32, mode="bicubic")
    return enlarged.clamp(0, 1).mul(255).to(torch.uint8)


def ours(augment: Augment, images: Tensor) -> Callable[[], float]:
    """A function that runs OUR_EPOCHS epochs and returns the images per second."""
    split = InMemory(images, torch.zeros(len(images), dtype=torch.int64))
    splits = Splits(train=split, validation=None, test=split, scale=255.0, mean=MEAN, std=STD)
    augmentation = Augmentation(augment=augment, flip=True, seed=0)

    def run() -> float:
        started = time.perf_counter()
        for _ in range(OUR_EPOCHS):
            order = torch.randperm(len(images))
            seen = sum(len(x) for x, _ in splits.normalized(split.batches(order, BATCH, augmentation)))
            assert seen == len(images)
        return OUR_EPOCHS * len(images) / (time.perf_counter() - started)

    return run


class Photographs(torch.utils.data.Dataset[tuple[Tensor, int]]):
    """PIL images that are transformed one by one."""

    def __init__(self, images: Tensor, transforms: list[Any]) -> None:
        self.images = [Image.fromarray(image) for image in images.permute(0, 2, 3, 1).numpy()]
        self.transform = T.Compose(transforms)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(self.images[index]), 0


def loader(transforms: list[Any], images: Tensor) -> Callable[[], float]:
    """A function that runs one epoch of the DataLoader and returns the images per second."""
    photographs = Photographs(images, transforms)
    batches = DataLoader(photographs, BATCH, shuffle=True, num_workers=WORKERS, persistent_workers=True)

    def run() -> float:
        started = time.perf_counter()
        seen = sum(len(x) for x, _ in batches)
        assert seen == len(images)
        return seen / (time.perf_counter() - started)

    return run


def report(name: str, images: Tensor, rounds: int) -> None:
    """Print one line."""
    augment, transforms, target = METHODS[name]
    our_way, their_way = ours(augment, images), loader(transforms, images)
    pairs = [(our_way(), their_way()) for _ in range(rounds + 1)][1:]
    rate, their_rate = (statistics.median(rates) for rates in zip(*pairs, strict=True))
    ratio = statistics.median(a / b for a, b in pairs)
    verdict = claim(f"{name}: images/s, ours / DataLoader", ratio, at_least=target).verdict
    print(f"{name:21}{rate:12,.0f}{their_rate:14,.0f}{ratio:8.1f}  {verdict}", flush=True)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--quick", action="store_true", help="two rounds")
    arguments = parser.parse_args()
    torch.set_num_threads(THREADS)
    images = smooth_images(10_000)
    rounds = 2 if arguments.quick else arguments.rounds
    print(f"torch {torch.__version__}, {THREADS} threads, {WORKERS} workers, images per second, median of {rounds}")
    print(f"{'':21}{'ours':>12}{'DataLoader':>14}{'ratio':>8}")
    for name in METHODS:
        report(name, images, rounds)


if __name__ == "__main__":
    main()
