"""Inception-style augmentation (Szegedy et al. 2015): a random crop of random size and aspect ratio, and a flip.

The crop has 8 % to 100 % of the area and an aspect ratio between 3/4 and 4/3. As in timm's training script, crops may
be resized by an interpolation that is drawn for each image, and colours may be distorted after the flip.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor
from torchvision.transforms import InterpolationMode, v2

_CROPS = {
    "bilinear": (InterpolationMode.BILINEAR,),
    "bicubic": (InterpolationMode.BICUBIC,),
    "random": (InterpolationMode.BILINEAR, InterpolationMode.BICUBIC),
}
"""Value of `crop_interpolation` → what is drawn from."""


def inception(
    images: Tensor,
    generator: Generator,
    *,
    flip: bool,
    size: int,
    color_jitter: float = 0.0,
    crop_interpolation: str = "bilinear",
) -> Tensor:
    """uint8 (n, c, h, w) → (n, c, size, size), by torchvision, one image at a time; antialiased."""
    crops = [v2.RandomResizedCrop(size, interpolation=each, antialias=True) for each in _CROPS[crop_interpolation]]
    steps: list[torch.nn.Module] = [v2.RandomChoice(crops) if len(crops) > 1 else crops[0]]
    if flip:
        steps.append(v2.RandomHorizontalFlip())
    if color_jitter:
        steps.append(v2.ColorJitter(brightness=color_jitter, contrast=color_jitter, saturation=color_jitter))
    transform = v2.Compose(steps)
    # torchvision draws from the global generator, which belongs to training.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(torch.randint(2**62, (), generator=generator)))
        return torch.stack([transform(image) for image in images])
