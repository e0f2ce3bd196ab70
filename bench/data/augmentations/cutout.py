"""basic+cutout: `basic`, then a square cut out of half of the images.

DeVries and Taylor 2017, "Improved Regularization of Convolutional Neural Networks with Cutout", as the public code of
SSAM (Mi et al. 2022) does it: with probability ½, a square of half the side (16 pixels at 32×32), centred on any pixel
and cut off at the edges. It fills the square after normalisation with zeros; so do we, to half a grey level, by filling
it with CIFAR-10's mean colour before. Grey images are filled with black.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from bench.data.augmentations.basic import basic
from bench.data.transfer import transfer

_MEAN_COLOUR = (125, 123, 114)


def basic_cutout(images: Tensor, generator: Generator, *, flip: bool) -> Tensor:
    """`basic`, then the cut. uint8 (n, c, h, w) → the same."""
    images = basic(images, generator, flip=flip)
    n, channels, height, width = images.shape
    chosen = torch.rand(n, generator=generator) < 0.5
    rows, columns = (torch.randint(side, (n,), generator=generator) for side in (height, width))
    cut = transfer(
        _near(rows, height)[:, :, None] & _near(columns, width)[:, None] & chosen[:, None, None], images.device
    )
    colours = _MEAN_COLOUR if channels == len(_MEAN_COLOUR) else (0,) * channels
    fill = transfer(torch.tensor(colours, dtype=torch.uint8), images.device)
    return torch.where(cut[:, None], fill.view(1, -1, 1, 1), images)


def _near(centres: Tensor, side: int) -> Tensor:
    """(n,) → (n, side): the lines that a square of half the side around each centre covers."""
    distance = torch.arange(side) - centres[:, None]
    return (distance >= -(side // 4)) & (distance < side // 4)
