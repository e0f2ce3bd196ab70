"""digits: scikit-learn's 1,797 scanned digits, 8×8 pixels with 17 grey levels, in fixed stratified splits."""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from bench.data.in_memory import InMemory
from bench.data.splits import Splits

GREY_LEVELS = 16.0
"""Largest pixel value."""


@lru_cache(maxsize=1)
def load(image_size: int) -> Splits:
    """60 % train, 20 % validation, 20 % test of every class; the same for every seed."""
    pixels, targets = scanned()
    images = torch.from_numpy(pixels.astype(np.uint8)).view(-1, 1, 8, 8)
    labels = torch.from_numpy(targets.astype(np.int64))
    train, validation, test = (torch.from_numpy(part) for part in split_indices(targets))
    in_unit = images[train].double() / GREY_LEVELS
    return Splits(
        train=InMemory(images[train], labels[train]),
        validation=InMemory(images[validation], labels[validation]),
        test=InMemory(images[test], labels[test]),
        scale=GREY_LEVELS,
        mean=(in_unit.mean().item(),),
        std=(in_unit.std().item(),),
    )


def scanned() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Pixels and classes, read from scikit-learn's file: its import takes longer than many a training on them."""
    package = find_spec("sklearn")
    assert package is not None
    assert package.origin is not None
    rows = np.loadtxt(Path(package.origin).parent / "datasets" / "data" / "digits.csv.gz", delimiter=",")
    return rows[:, :-1], rows[:, -1].astype(np.int64)


def split_indices(targets: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
    """Indices of train, validation and test samples, sorted; numpy's frozen legacy generator keeps them fixed."""
    generator = np.random.RandomState(0)
    parts: tuple[list[NDArray[np.int64]], ...] = ([], [], [])
    for label in np.unique(targets):
        shuffled = generator.permutation(np.flatnonzero(targets == label))
        fifth = round(0.2 * len(shuffled))
        for part, piece in zip(parts, np.split(shuffled, [-2 * fifth, -fifth]), strict=True):
            part.append(piece)
    return tuple(np.sort(np.concatenate(part)) for part in parts)
