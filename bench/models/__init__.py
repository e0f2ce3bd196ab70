"""MODELS: the networks, as light records; torch is imported when one is built.

A model may define `segments()`, the chain of its parts in order of execution, each with the number of the
stage it belongs to. `forward` is their composition. The sharpness-aware step uses the chain to compute what
lies before the first perturbed tensor only once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.registry import Entry

if TYPE_CHECKING:
    from torch import nn

_RESNET = "He et al. 2016, section 4.2; 1×1 convolution shortcuts"


def _resnet(depth: int) -> Entry:
    return Entry(
        target=f"bench.models.resnet:resnet{depth}",
        summary=f"CIFAR ResNet of {depth} layers",
        source=_RESNET,
        traits={"family": "resnet", "stages": 3},
    )


def _wide_resnet(depth: int, widen: int) -> Entry:
    return Entry(
        target=f"bench.models.wide_resnet:wrn{depth}_{widen}",
        summary=f"wide ResNet of {depth} layers, {widen} times as wide",
        source="Zagoruyko and Komodakis 2016; shortcuts as in the SAM-ON code",
        traits={"family": "resnet", "stages": 3},
    )


MODELS: dict[str, Entry] = {
    "resnet8": _resnet(8),
    "resnet20": _resnet(20),
    "resnet56": _resnet(56),
    "wrn16_2": _wide_resnet(16, 2),
    "wrn28_2": _wide_resnet(28, 2),
    "wrn28_10": _wide_resnet(28, 10),
    "vit_mini": Entry(
        target="bench.models.vit:vit_mini",
        summary="small ViT: patch 4, width 64, depth 2, 4 heads",
        source="Dosovitskiy et al. 2021; timm's VisionTransformer",
        traits={"family": "vit", "stages": 2},
    ),
}


def build(name: str, *, num_classes: int = 10, in_channels: int = 3, image_size: int = 32) -> nn.Module:
    """Build the model `name` with fresh weights drawn from torch's global generator."""
    model: nn.Module = MODELS[name].load()(num_classes=num_classes, in_channels=in_channels, image_size=image_size)
    return model
