"""Augmentations of whole batches of small uint8 images, as tensor operations.

Draws come from a CPU generator, so that every device sees the same images.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor
from torch.nn.functional import pad

from bench.data.transfer import transfer


def none(images: Tensor, generator: Generator, *, flip: bool) -> Tensor:
    """The images as they are."""
    return images


def basic(images: Tensor, generator: Generator, *, flip: bool) -> Tensor:
    """Random crop after zero padding of size/8 (4 pixels at 32×32), then a horizontal flip with probability ½.

    uint8 (n, c, h, w) → (n, c, h, w). `flip` is off where a mirrored image has another label.
    """
    n, _, height, width = images.shape
    margin = height // 8
    rows, columns = (torch.randint(2 * margin + 1, (n,), generator=generator) for _ in range(2))
    samples = torch.arange(n)
    if flip:
        # Padding is symmetric and every offset as likely as its opposite: flipping first comes to the same.
        images = torch.cat([images, images.flip(3)])
        samples += n * torch.randint(2, (n,), generator=generator)
    padded = pad(images, (margin,) * 4).contiguous()
    starts = samples * padded.stride(0) + rows * padded.stride(2) + columns
    return _windows(padded, height, width).index_select(0, transfer(starts, images.device))


def _windows(padded: Tensor, height: int, width: int) -> Tensor:
    """A view of every window (c, height, width) of contiguous images (n, c, h, w), numbered by its first element.

    Numbers whose window would reach over an edge are there too, and mean nothing. index_select copies the windows
    that it is asked for row by row; indexing with a tensor per dimension goes from pixel to pixel.
    """
    channels, strides = padded.shape[1], padded.stride()[1:]
    reach = (channels - 1) * strides[0] + (height - 1) * strides[1] + width
    count = max(0, padded.numel() - reach + 1)
    return padded.as_strided((count, channels, height, width), (1, *strides))
