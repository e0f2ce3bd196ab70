"""ImageNet ResNets (He et al. 2016, table 1), as built and initialised by torchvision, with their chain of blocks.

With `zero_init` the last γ of every residual branch starts at 0, as in timm; all else starts alike in both.
Parameters have torchvision's names, so its weights load, and timm's for the same network.
"""

from __future__ import annotations

from functools import partial

from torch import Tensor, nn
from torchvision.models.resnet import Bottleneck, ResNet

from bench.models.segment import Segment, numbered, run


class ChainedResNet(ResNet):
    """torchvision's ResNet whose forward pass is a chain: stem, every block, head."""

    def __init__(
        self, blocks: list[int], *, num_classes: int, in_channels: int, image_size: int, zero_init: bool = False
    ) -> None:
        super().__init__(Bottleneck, blocks, num_classes=num_classes, zero_init_residual=zero_init)
        if in_channels != 3:
            # torchvision's constructor knows colour images only.
            self.conv1 = nn.Conv2d(in_channels, 64, 7, stride=2, padding=3, bias=False)
            nn.init.kaiming_normal_(self.conv1.weight, mode="fan_out", nonlinearity="relu")

    def _start(self, x: Tensor) -> Tensor:
        return self.maxpool(self.relu(self.bn1(self.conv1(x))))

    def _finish(self, x: Tensor) -> Tensor:
        return self.fc(self.avgpool(x).flatten(1))

    def segments(self) -> list[Segment]:
        """The chain: stem, every block of the four stages, pooling and head."""
        blocks = numbered((self.layer1, self.layer2, self.layer3, self.layer4))
        return [Segment(1, self._start), *blocks, Segment(4, self._finish)]

    def forward(self, x: Tensor) -> Tensor:
        """(n, in_channels, h, w) images → (n, num_classes) logits; any h and w."""
        return run(self.segments(), x)


resnet50 = partial(ChainedResNet, [3, 4, 6, 3])
resnet101 = partial(ChainedResNet, [3, 4, 23, 3])
