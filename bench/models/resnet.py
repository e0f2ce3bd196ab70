"""ResNets for small images: a 3×3 stem without pooling, then stages, each but the first halving the image.

- He et al. 2016, section 4.2: three stages of basic blocks of widths 16, 32, 64; 6n + 2 layers. Where the width
  changes we have a 1×1 convolution with batch norm; the paper's CIFAR nets pad with zeros.
- ResNet-18 and ResNet-101 (table 1) with this stem instead of a 7×7 convolution and a max pool.
- Xie et al. 2017, section 5.3: ResNeXt-29, three bottlenecks a stage, here of 32 groups of 4 channels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise

from torch import Tensor, nn

from bench.models.initial import start_convolutions
from bench.models.residual import BasicBlock, Bottleneck
from bench.models.segment import Segment, numbered, run

Block = Callable[[int, int, int], nn.Module]
"""Residual block by its input width, output width and stride."""


class ResNet(nn.Module):
    """Stem, stages of residual blocks, global average pool, linear."""

    def __init__(
        self,
        block: Block,
        *,
        stem: int,
        widths: Sequence[int],
        blocks: Sequence[int],
        num_classes: int,
        in_channels: int,
        image_size: int,
        missed_by_name: tuple[str, ...] = (),
    ) -> None:
        super().__init__()
        self.missed_by_name = missed_by_name
        """Parts of names of norm layers that the SAM-ON authors' rule by name misses in their network."""
        self.stem = nn.Sequential(
            nn.Conv2d(in_channels, stem, 3, padding=1, bias=False), nn.BatchNorm2d(stem), nn.ReLU(inplace=True)
        )
        self._stages = range(1, len(widths) + 1)
        for number, (in_width, width), count in zip(self._stages, pairwise([stem, *widths]), blocks, strict=True):
            first = block(in_width, width, 1 if number == 1 else 2)
            self.add_module(f"stage{number}", nn.Sequential(first, *(block(width, width, 1) for _ in range(count - 1))))
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(widths[-1], num_classes))
        start_convolutions(self)

    def segments(self) -> list[Segment]:
        """The chain: stem, every block, head."""
        blocks = numbered(self.get_submodule(f"stage{number}") for number in self._stages)
        return [Segment(1, self.stem), *blocks, Segment(self._stages[-1], self.head)]

    def forward(self, x: Tensor) -> Tensor:
        """(n, in_channels, h, w) images → (n, num_classes) logits; any h and w."""
        return run(self.segments(), x)


_thin = partial(ResNet, BasicBlock, stem=16, widths=(16, 32, 64))
resnet8 = partial(_thin, blocks=(1, 1, 1))
resnet20 = partial(_thin, blocks=(3, 3, 3))
resnet56 = partial(_thin, blocks=(9, 9, 9))

# Their shortcuts are called `shortcut.1`, those of the thin ones and of ResNeXt `downsample.norm`.
_deep = partial(ResNet, missed_by_name=("shortcut",))
resnet18 = partial(_deep, BasicBlock, stem=64, widths=(64, 128, 256, 512), blocks=(2, 2, 2, 2))
resnet101_cifar = partial(_deep, Bottleneck, stem=64, widths=(256, 512, 1024, 2048), blocks=(3, 4, 23, 3))

_grouped = partial(Bottleneck, reduction=2, groups=32)
resnext29_32x4d = partial(ResNet, _grouped, stem=64, widths=(256, 512, 1024), blocks=(3, 3, 3))
