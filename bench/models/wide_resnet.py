"""Wide ResNets (Zagoruyko and Komodakis 2016): pre-activation, stages of widths 16k, 32k, 64k; depth = 6n + 4.

Where the width changes the shortcut is a 1×1 convolution without batch norm on the block's raw input, as in
the SAM-ON code; the original applies it after the block's first norm.
"""

from __future__ import annotations

from functools import partial

from torch import Tensor, nn

from bench.models.initial import start_convolutions
from bench.models.segment import Segment, numbered, run


class PreActivationBlock(nn.Module):
    """Twice batch norm, ReLU and 3×3 convolution, and a shortcut around them."""

    def __init__(self, in_width: int, width: int, stride: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(in_width)
        self.conv1 = nn.Conv2d(in_width, width, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.relu = nn.ReLU(inplace=True)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or in_width != width:
            self.shortcut = nn.Conv2d(in_width, width, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(n, in_width, h, w) → (n, width, h/stride, w/stride)."""
        out = self.conv1(self.relu(self.bn1(x)))
        out = self.conv2(self.relu(self.bn2(out)))
        return out + self.shortcut(x)


class WideResNet(nn.Module):
    """Stem, three stages of pre-activation blocks, norm and ReLU, global average pool, linear."""

    missed_by_name = ()
    """In the SAM-ON code the final norm has a name that says so too."""

    def __init__(self, depth: int, widen: int, *, num_classes: int, in_channels: int, image_size: int) -> None:
        super().__init__()
        if (depth - 4) % 6:
            raise ValueError(f"depth {depth}: a wide ResNet has 6n + 4 layers")
        blocks = (depth - 4) // 6
        widths = [16 * widen, 32 * widen, 64 * widen]
        self.stem = nn.Conv2d(in_channels, 16, 3, padding=1, bias=False)
        self.stage1 = self._stage(16, widths[0], blocks, stride=1)
        self.stage2 = self._stage(widths[0], widths[1], blocks, stride=2)
        self.stage3 = self._stage(widths[1], widths[2], blocks, stride=2)
        self.final = nn.Sequential(nn.BatchNorm2d(widths[2]), nn.ReLU(inplace=True))
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(widths[2], num_classes))
        start_convolutions(self)

    @staticmethod
    def _stage(in_width: int, width: int, blocks: int, stride: int) -> nn.Sequential:
        first = PreActivationBlock(in_width, width, stride)
        return nn.Sequential(first, *(PreActivationBlock(width, width, 1) for _ in range(blocks - 1)))

    def segments(self) -> list[Segment]:
        """The chain: stem, every block, final norm, head."""
        blocks = numbered((self.stage1, self.stage2, self.stage3))
        return [Segment(1, self.stem), *blocks, Segment(3, self.final), Segment(3, self.head)]

    def forward(self, x: Tensor) -> Tensor:
        """(n, in_channels, h, w) images → (n, num_classes) logits; any h and w."""
        return run(self.segments(), x)


wrn16_2 = partial(WideResNet, 16, 2)
wrn16_4 = partial(WideResNet, 16, 4)
wrn28_2 = partial(WideResNet, 28, 2)
wrn28_10 = partial(WideResNet, 28, 10)
