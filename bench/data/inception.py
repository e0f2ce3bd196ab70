"""Inception-style augmentation (Szegedy et al. 2015): a random crop of random size and aspect ratio, and a flip.

The crop has 8 % to 100 % of the area and an aspect ratio between 3/4 and 4/3.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor
from torchvision.transforms import v2


def inception(images: Tensor, generator: Generator, *, flip: bool, size: int) -> Tensor:
    """uint8 (n, c, h, w) → (n, c, size, size), by torchvision, one image at a time; bilinear, antialiased."""
    steps: list[torch.nn.Module] = [v2.RandomResizedCrop(size, antialias=True)]
    if flip:
        steps.append(v2.RandomHorizontalFlip())
    transform = v2.Compose(steps)
    # torchvision draws from the global generator, which belongs to training.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(torch.randint(2**62, (), generator=generator)))
        return torch.stack([transform(image) for image in images])
