"""VGG with batch norm (Simonyan and Zisserman 2015, configurations B, D and E) for small images.

Five stages, each ending with a 2×2 max pool. The paper's three linear layers with dropout are one linear layer
on the average over what is left of the image, as is usual on CIFAR; torchvision's class has the three.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from torch import Tensor, nn

from bench.models.initial import start_convolutions
from bench.models.segment import Segment, numbered, run


class ConvolutionUnit(nn.Module):
    """A 3×3 convolution with bias, batch norm and ReLU."""

    def __init__(self, in_width: int, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_width, width, 3, padding=1)
        self.bn = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """(n, in_width, h, w) → (n, width, h, w)."""
        return self.relu(self.bn(self.conv(x)))


class VGG(nn.Module):
    """Five stages of convolutions, global average pool, linear."""

    def __init__(self, units: Sequence[int], *, num_classes: int, in_channels: int, image_size: int) -> None:
        super().__init__()
        self.stage1 = self._stage(in_channels, 64, units[0])
        self.stage2 = self._stage(64, 128, units[1])
        self.stage3 = self._stage(128, 256, units[2])
        self.stage4 = self._stage(256, 512, units[3])
        self.stage5 = self._stage(512, 512, units[4])
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, num_classes))
        start_convolutions(self)

    @staticmethod
    def _stage(in_width: int, width: int, units: int) -> nn.Sequential:
        first = ConvolutionUnit(in_width, width)
        return nn.Sequential(first, *(ConvolutionUnit(width, width) for _ in range(units - 1)), nn.MaxPool2d(2))

    def segments(self) -> list[Segment]:
        """The chain: every convolution and max pool, head."""
        parts = numbered((self.stage1, self.stage2, self.stage3, self.stage4, self.stage5))
        return [*parts, Segment(5, self.head)]

    def forward(self, x: Tensor) -> Tensor:
        """(n, in_channels, h, w) images → (n, num_classes) logits; h and w at least 32."""
        return run(self.segments(), x)


vgg13_bn = partial(VGG, (2, 2, 2, 2, 2))
vgg16_bn = partial(VGG, (2, 2, 3, 3, 3))
vgg19_bn = partial(VGG, (2, 2, 4, 4, 4))
