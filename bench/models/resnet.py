"""The CIFAR ResNets (He et al. 2016, section 4.2): three stages of widths 16, 32, 64; depth = 6n + 2.

Where the width changes the shortcut is a 1×1 convolution with batch norm. Convolutions start from
Kaiming-normal (fan out), γ = 1 and β = 0; the last γ of a block is not zeroed.
"""

from __future__ import annotations

from functools import partial

from torch import Tensor, nn

from bench.models.segment import Segment, run


class BasicBlock(nn.Module):
    """Two 3×3 convolutions with batch norm, and a shortcut around them."""

    def __init__(self, in_width: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_width, width, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or in_width != width:
            conv = nn.Conv2d(in_width, width, 1, stride, bias=False)
            self.shortcut = nn.Sequential(conv, nn.BatchNorm2d(width))

    def forward(self, x: Tensor) -> Tensor:
        """(n, in_width, h, w) → (n, width, h/stride, w/stride)."""
        out = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(out)) + self.shortcut(x))


class ResNet(nn.Module):
    """Stem, three stages of basic blocks, global average pool, linear."""

    def __init__(self, depth: int, *, num_classes: int, in_channels: int, image_size: int) -> None:
        super().__init__()
        if (depth - 2) % 6:
            raise ValueError(f"depth {depth}: a CIFAR ResNet has 6n + 2 layers")
        self.stem = nn.Sequential(
            nn.Conv2d(in_channels, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(inplace=True)
        )
        blocks_per_stage = (depth - 2) // 6
        self.stage1 = self._stage(16, 16, blocks_per_stage, stride=1)
        self.stage2 = self._stage(16, 32, blocks_per_stage, stride=2)
        self.stage3 = self._stage(32, 64, blocks_per_stage, stride=2)
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, num_classes))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    @staticmethod
    def _stage(in_width: int, width: int, blocks: int, stride: int) -> nn.Sequential:
        first = BasicBlock(in_width, width, stride)
        return nn.Sequential(first, *(BasicBlock(width, width, 1) for _ in range(blocks - 1)))

    def segments(self) -> list[Segment]:
        """The chain: stem, every block, head."""
        stages = (self.stage1, self.stage2, self.stage3)
        blocks = [Segment(number, block) for number, stage in enumerate(stages, 1) for block in stage]
        return [Segment(1, self.stem), *blocks, Segment(3, self.head)]

    def forward(self, x: Tensor) -> Tensor:
        """(n, in_channels, h, w) images → (n, num_classes) logits; any h and w."""
        return run(self.segments(), x)


resnet8 = partial(ResNet, 8)
resnet20 = partial(ResNet, 20)
resnet56 = partial(ResNet, 56)
