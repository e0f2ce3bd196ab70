"""fake:…: random images of any size and number, for measuring speed; nothing can be learned from them."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Generator

from bench.data.fake_names import Shape
from bench.data.in_memory import InMemory
from bench.data.splits import Splits


@lru_cache(maxsize=1)
def load(shape: Shape, image_size: int) -> Splits:
    """Uniform pixels and labels; a tenth as many test images as training images, at least one."""
    channels, classes = shape.channels, shape.num_classes

    def split(count: int, seed: int) -> InMemory:
        generator = Generator().manual_seed(seed)
        images = torch.randint(256, (count, channels, image_size, image_size), dtype=torch.uint8, generator=generator)
        return InMemory(images, torch.randint(classes, (count,), generator=generator))

    return Splits(
        train=split(shape.train, 0),
        validation=None,
        test=split(max(1, shape.train // 10), 1),
        scale=255.0,
        mean=(0.5,) * channels,
        std=(0.29,) * channels,
    )
