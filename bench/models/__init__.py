"""MODELS: the networks, as light records; torch is imported when one is built.

A model may define `segments()`, the chain of its parts in order of execution, each with the number of the
stage it belongs to. `forward` is their composition. The sharpness-aware step uses the chain to compute what
lies before the first perturbed tensor only once.

`timm/NAME` stands for the model NAME of timm, as it is there: without a chain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.errors import UserError
from bench.registry import ModelEntry

if TYPE_CHECKING:
    from torch import nn

_TIMM = "timm/"


def _convolutional(target: str, summary: str, source: str, *, stages: int = 3, min_size: int = 1) -> ModelEntry:
    return ModelEntry(
        target=f"bench.models.{target}",
        summary=summary,
        source=source,
        family="resnet",
        stages=stages,
        min_size=min_size,
    )


def _vit(name: str, summary: str, *, stages: int, patch: int) -> ModelEntry:
    return ModelEntry(
        target=f"bench.models.vit:{name}",
        summary=summary,
        source="Dosovitskiy et al. 2021; timm's VisionTransformer",
        family="vit",
        stages=stages,
        min_size=patch,
        multiple_of=patch,
    )


def _resnet(depth: int) -> ModelEntry:
    source = "He et al. 2016, section 4.2; 1×1 convolution shortcuts"
    return _convolutional(f"resnet:resnet{depth}", f"CIFAR ResNet of {depth} layers", source)


def _deep_resnet(name: str, depth: int) -> ModelEntry:
    summary = f"ResNet of {depth} layers with a 3×3 stem, for CIFAR"
    return _convolutional(f"resnet:{name}", summary, "He et al. 2016, table 1; stem of section 4.2", stages=4)


def _wide_resnet(depth: int, widen: int) -> ModelEntry:
    summary = f"wide ResNet of {depth} layers, {widen} times as wide"
    source = "Zagoruyko and Komodakis 2016; shortcuts as in the SAM-ON code"
    return _convolutional(f"wide_resnet:wrn{depth}_{widen}", summary, source)


def _vgg(depth: int) -> ModelEntry:
    summary = f"VGG of {depth} layers with batch norm and one linear layer"
    # Five max pools halve the image five times.
    return _convolutional(f"vgg:vgg{depth}_bn", summary, "Simonyan and Zisserman 2015", stages=5, min_size=32)


def _imagenet_resnet(depth: int) -> ModelEntry:
    source = "He et al. 2016, table 1; torchvision's ResNet"
    return _convolutional(f"imagenet_resnet:resnet{depth}", f"ImageNet ResNet of {depth} layers", source, stages=4)


MODELS: dict[str, ModelEntry] = {
    "resnet8": _resnet(8),
    "resnet20": _resnet(20),
    "resnet56": _resnet(56),
    "resnet18": _deep_resnet("resnet18", 18),
    "resnet101_cifar": _deep_resnet("resnet101_cifar", 101),
    "resnext29_32x4d": _convolutional(
        "resnet:resnext29_32x4d", "CIFAR ResNeXt of 29 layers, 32 groups of 4", "Xie et al. 2017, section 5.3"
    ),
    "wrn16_2": _wide_resnet(16, 2),
    "wrn16_4": _wide_resnet(16, 4),
    "wrn28_2": _wide_resnet(28, 2),
    "wrn28_10": _wide_resnet(28, 10),
    "vgg13_bn": _vgg(13),
    "vgg16_bn": _vgg(16),
    "vgg19_bn": _vgg(19),
    "densenet100": _convolutional(
        "densenet:densenet100", "DenseNet-BC of 100 layers, growth rate 12", "Huang et al. 2017, table 2", min_size=4
    ),
    "resnet50": _imagenet_resnet(50),
    "resnet101": _imagenet_resnet(101),
    "vit_mini": _vit("vit_mini", "small ViT: patch 4, width 64, depth 2, 4 heads", stages=2, patch=4),
    "vit_t4": _vit("vit_t4", "ViT-Ti: patch 4, width 192, depth 12, 3 heads", stages=12, patch=4),
    "vit_s4": _vit("vit_s4", "ViT-S: patch 4, width 384, depth 12, 6 heads", stages=12, patch=4),
    "vit_s16": _vit("vit_s16", "ViT-S: patch 16, width 384, depth 12, 6 heads", stages=12, patch=16),
    "vit_s32": _vit("vit_s32", "ViT-S: patch 32, width 384, depth 12, 6 heads", stages=12, patch=32),
}


def entry(name: str) -> ModelEntry:
    """The record of model `name`, a key of MODELS or `timm/NAME`; KeyError if it is neither.

    Whether timm has a model NAME shows when it is built, because asking imports torch.
    """
    if name in MODELS:
        return MODELS[name]
    timm_name = name.removeprefix(_TIMM)
    if timm_name in (name, ""):
        raise KeyError(f"model {name!r}: there are {', '.join(MODELS)}, and {_TIMM}NAME for a model of timm")
    transformer = "vit" in timm_name or "deit" in timm_name
    return ModelEntry(
        target=f"bench.models.timm_model:{timm_name}",
        summary=f"{timm_name} of timm",
        source="timm",
        family="vit" if transformer else "resnet",
        stages=0,
    )


def check_image_size(name: str, image_size: int) -> str | None:
    """Why model `name` can't take images of `image_size` × `image_size` pixels; None if it can."""
    found = entry(name)
    smallest, factor = found.min_size, found.multiple_of
    if image_size < smallest:
        return f"{name} takes images of at least {smallest}×{smallest} pixels, not {image_size}×{image_size}"
    if image_size % factor:
        return f"{name} takes images whose side is a multiple of {factor} pixels, not {image_size}×{image_size}"
    return None


def build(name: str, *, num_classes: int = 10, in_channels: int = 3, image_size: int = 32) -> nn.Module:
    """Build model `name` with fresh weights drawn from torch's global generator.

    It maps (n, in_channels, image_size, image_size) images to (n, num_classes) logits. UserError if it can't
    take images of that size.
    """
    fault = check_image_size(name, image_size)
    if fault:
        raise UserError(fault)
    model: nn.Module = entry(name).load()(num_classes=num_classes, in_channels=in_channels, image_size=image_size)
    return model
