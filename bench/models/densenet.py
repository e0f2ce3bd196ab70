"""DenseNet-BC (Huang et al. 2017, section 3) for small images: every layer sees what all earlier ones made.

A 3×3 stem of 2k channels and three dense blocks; depth = 6n + 4 with n bottleneck layers a block, each adding
k channels. The transition after a block halves channels and image, and counts to that block's stage. We have
no dropout.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from bench.models.initial import start_convolutions
from bench.models.segment import Segment, numbered, run


class DenseLayer(nn.Module):
    """Batch norm, ReLU, 1×1 convolution to 4k channels; the same with a 3×3 to k, which join the input."""

    def __init__(self, in_width: int, growth: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(in_width)
        self.conv1 = nn.Conv2d(in_width, 4 * growth, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(4 * growth)
        self.conv2 = nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """(n, in_width, h, w) → (n, in_width + growth, h, w)."""
        out = self.conv1(self.relu(self.bn1(x)))
        return torch.cat([x, self.conv2(self.relu(self.bn2(out)))], 1)


class Transition(nn.Module):
    """Batch norm, ReLU, 1×1 convolution to half the channels, 2×2 average pool."""

    def __init__(self, in_width: int) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(in_width)
        self.relu = nn.ReLU(inplace=True)
        self.conv = nn.Conv2d(in_width, in_width // 2, 1, bias=False)
        self.pool = nn.AvgPool2d(2)

    def forward(self, x: Tensor) -> Tensor:
        """(n, in_width, h, w) → (n, in_width/2, h/2, w/2)."""
        return self.pool(self.conv(self.relu(self.bn(x))))


class DenseNet(nn.Module):
    """Stem, three dense blocks with transitions between them, norm and ReLU, global average pool, linear."""

    def __init__(self, depth: int, growth: int, *, num_classes: int, in_channels: int, image_size: int) -> None:
        super().__init__()
        if (depth - 4) % 6:
            raise ValueError(f"depth {depth}: a DenseNet-BC has 6n + 4 layers")
        added = (depth - 4) // 6 * growth
        first = 2 * growth
        second = (first + added) // 2
        third = (second + added) // 2
        self.stem = nn.Conv2d(in_channels, first, 3, padding=1, bias=False)
        self.stage1 = nn.Sequential(*self._layers(first, added, growth), Transition(first + added))
        self.stage2 = nn.Sequential(*self._layers(second, added, growth), Transition(second + added))
        self.stage3 = nn.Sequential(*self._layers(third, added, growth))
        self.final = nn.Sequential(nn.BatchNorm2d(third + added), nn.ReLU(inplace=True))
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(third + added, num_classes))
        start_convolutions(self)

    @staticmethod
    def _layers(in_width: int, added: int, growth: int) -> list[nn.Module]:
        return [DenseLayer(width, growth) for width in range(in_width, in_width + added, growth)]

    def segments(self) -> list[Segment]:
        """The chain: stem, every layer and transition, final norm, head."""
        parts = numbered((self.stage1, self.stage2, self.stage3))
        return [Segment(1, self.stem), *parts, Segment(3, self.final), Segment(3, self.head)]

    def forward(self, x: Tensor) -> Tensor:
        """(n, in_channels, h, w) images → (n, num_classes) logits; h and w at least 4."""
        return run(self.segments(), x)


densenet100 = partial(DenseNet, 100, 12)
