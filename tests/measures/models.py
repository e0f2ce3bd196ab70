"""Tiny models whose measures are known in closed form, and what a measure is given of them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bench.data.in_memory import InMemory
from bench.data.splits import Splits
from bench.measures.trained import Trained


def trained(model: nn.Module, images: Tensor, labels: Tensor, *, scale: float = 1.0) -> Trained:
    """The model, with the same uint8 images (n, c, h, w) for training and testing, neither shifted nor scaled."""
    split = InMemory(images, labels)
    channels = images.shape[1]
    splits = Splits(
        train=split, validation=None, test=split, scale=scale, mean=(0.0,) * channels, std=(1.0,) * channels
    )
    return Trained(model=model, splits=splits, image_size=images.shape[-1], history=[], seed=0)


def linear(weight: Tensor) -> nn.Module:
    """A linear classifier without bias: weight (classes, pixels)."""
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=False)
    with torch.no_grad():
        layer.weight.copy_(weight)
    return nn.Sequential(nn.Flatten(), layer)


class SmallNet(nn.Module):
    """Convolution, batch norm and a linear head, with stages."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(inplace=True))
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.5), nn.Linear(4, 5))

    def segments(self) -> list[tuple[int, nn.Module]]:
        """The chain."""
        from bench.models.segment import Segment

        return [Segment(1, self.stem), Segment(1, self.head)]

    def forward(self, x: Tensor) -> Tensor:
        """(n, 1, h, w) → (n, 5)."""
        return self.head(self.stem(x))


def small() -> Trained:
    """A net with running statistics, in train mode, and 64 random images."""
    torch.manual_seed(0)
    model = SmallNet()
    images = torch.randint(0, 8, (64, 1, 4, 4), dtype=torch.uint8)
    model(images.float())
    return trained(model.train(), images, torch.randint(0, 5, (64,)), scale=8.0)
