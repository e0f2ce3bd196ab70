"""Augmentations of whole batches of uint8 images, as tensor operations.

Draws come from a CPU generator, so that every device sees the same images.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor
from torch.nn.functional import pad


def none(images: Tensor, generator: Generator, *, flip: bool) -> Tensor:
    """The images as they are."""
    return images


def basic(images: Tensor, generator: Generator, *, flip: bool) -> Tensor:
    """Random crop after zero padding of size/8 (4 pixels at 32×32), then a horizontal flip with probability ½.

    (n, c, h, w) → (n, c, h, w). `flip` is off where a mirrored image has another label.
    """
    n, _, height, width = images.shape
    margin = height // 8
    rows = _draw(2 * margin + 1, n, generator)[:, None] + torch.arange(height)
    columns = _draw(2 * margin + 1, n, generator)[:, None] + torch.arange(width)
    if flip:
        columns = torch.where(_draw(2, n, generator).bool()[:, None], columns.flip(1), columns)
    sample = torch.arange(n)[:, None, None]
    padded = pad(images, (margin,) * 4).permute(0, 2, 3, 1)
    device = images.device
    picked = padded[sample.to(device), rows[:, :, None].to(device), columns[:, None, :].to(device)]
    return picked.permute(0, 3, 1, 2)


def _draw(below: int, n: int, generator: Generator) -> Tensor:
    return torch.randint(below, (n,), generator=generator)
