"""MODELS: the networks, as light records; torch is imported when one is built.

A model may define `segments()`, the chain of its parts in order of execution, each with the number of the
stage it belongs to. `forward` is their composition. The sharpness-aware step uses the chain to compute what
lies before the first perturbed tensor only once.
`timm/NAME` stands for the model NAME of timm, as it is there: without a chain.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge, Lt

from bench.errors import UserError
from bench.plugins import Registry
from bench.registry import IMAGENET_PIXELS, Interpolation, ModelEntry, Preprocessing, Scalar, Setting
from bench.trial.content import TIMM

if TYPE_CHECKING:
    from torch import nn

_IMAGENET = 224
"""Side in pixels of the images of models for ImageNet."""
_UNKNOWN_SIZE = 32
"""Side in pixels of the images of a model of timm, where nothing is said."""


def imagenet_preprocessing(crop: float, interpolation: Interpolation = "bicubic") -> Preprocessing:
    """With ImageNet's own mean and std."""
    return replace(IMAGENET_PIXELS, crop=crop, interpolation=interpolation)


VIT_PREPROCESSING = Preprocessing(mean=(0.5,) * 3, std=(0.5,) * 3, crop=0.9, interpolation="bicubic")
"""As timm has it for ViTs of ImageNet."""
_ZERO_INIT = Setting(
    type=bool, default=False, summary="whether the last γ of every residual branch starts at 0, as in timm"
)


def _convolutional(
    target: str, parameters: int, summary: str, source: str, *, stages: int = 3, min_size: int = 1, image_size: int = 32
) -> ModelEntry:
    return ModelEntry(
        target=f"bench.models.{target}",
        summary=summary,
        source=source,
        family="resnet",
        stages=stages,
        min_size=min_size,
        image_size=image_size,
        parameters=parameters,
    )


def _vit(name: str, parameters: int, summary: str, *, stages: int, patch: int, image_size: int = 32) -> ModelEntry:
    return ModelEntry(
        target=f"bench.models.vit:{name}",
        summary=summary,
        source="Dosovitskiy et al. 2021; timm's VisionTransformer",
        family="vit",
        stages=stages,
        min_size=patch,
        multiple_of=patch,
        image_size=image_size,
        preprocessing=VIT_PREPROCESSING if image_size == _IMAGENET else None,
        parameters=parameters,
    )


def _resnet(depth: int, parameters: int) -> ModelEntry:
    source = "He et al. 2016, section 4.2; 1×1 convolution shortcuts"
    return _convolutional(f"resnet:resnet{depth}", parameters, f"CIFAR ResNet with {depth} layers", source)


def _deep_resnet(name: str, depth: int, parameters: int) -> ModelEntry:
    summary = f"ResNet with {depth} layers and a 3×3 stem, for CIFAR"
    source = "He et al. 2016, table 1; stem of section 4.2"
    return _convolutional(f"resnet:{name}", parameters, summary, source, stages=4)


def _wide_resnet(depth: int, widen: int, parameters: int) -> ModelEntry:
    summary = f"wide ResNet with {depth} layers, {widen} times as wide"
    source = "Zagoruyko and Komodakis 2016; shortcuts as in the SAM-ON code"
    return _convolutional(f"wide_resnet:wrn{depth}_{widen}", parameters, summary, source)


def _vgg(depth: int, parameters: int) -> ModelEntry:
    summary = f"VGG with {depth} layers, batch norm and one linear layer"
    # Five max pools halve the image five times.
    source = "Simonyan and Zisserman 2015"
    return _convolutional(f"vgg:vgg{depth}_bn", parameters, summary, source, stages=5, min_size=32)


def _imagenet_resnet(depth: int, parameters: int) -> ModelEntry:
    target, summary = f"imagenet_resnet:resnet{depth}", f"ImageNet ResNet with {depth} layers"
    source = "He et al. 2016, table 1; torchvision's ResNet"
    entry = _convolutional(target, parameters, summary, source, stages=4, image_size=_IMAGENET)
    # The crop of the script that the paper used, not that of timm's newest weights.
    return replace(entry, settings={"zero_init": _ZERO_INIT}, preprocessing=imagenet_preprocessing(0.875))


def _translator(name: str, parameters: int, summary: str, *, dropout: float) -> ModelEntry:
    rate = Setting(
        type=Annotated[float, Ge(0), Lt(1)], default=dropout, summary="dropout on embeddings and residual branches"
    )
    return ModelEntry(
        target=f"bench.models.transformer:{name}",
        summary=summary,
        source="Vaswani et al. 2017; fairseq's transformer_iwslt_de_en",
        task="translation",
        family="transformer",
        stages=0,
        parameters=parameters,
        settings={"dropout": rate},
    )


_MODELS: dict[str, ModelEntry] = {
    "resnet8": _resnet(8, 78_042),
    "resnet20": _resnet(20, 272_474),
    "resnet56": _resnet(56, 855_770),
    "resnet18": _deep_resnet("resnet18", 18, 11_173_962),
    "resnet101_cifar": _deep_resnet("resnet101_cifar", 101, 42_512_970),
    "resnext29_32x4d": _convolutional(
        "resnet:resnext29_32x4d",
        4_775_754,
        "CIFAR ResNeXt with 29 layers, 32 groups of width 4",
        "Xie et al. 2017, section 5.3",
    ),
    "wrn16_2": _wide_resnet(16, 2, 691_674),
    "wrn16_4": _wide_resnet(16, 4, 2_748_890),
    "wrn28_2": _wide_resnet(28, 2, 1_467_610),
    "wrn28_10": _wide_resnet(28, 10, 36_479_194),
    "vgg13_bn": _vgg(13, 9_416_010),
    "vgg16_bn": _vgg(16, 14_728_266),
    "vgg19_bn": _vgg(19, 20_040_522),
    "densenet100": _convolutional(
        "densenet:densenet100",
        769_162,
        "DenseNet-BC with 100 layers, growth rate 12",
        "Huang et al. 2017, table 2",
        min_size=4,
    ),
    "resnet50": _imagenet_resnet(50, 25_557_032),
    "resnet101": _imagenet_resnet(101, 44_549_160),
    "vit_mini": _vit("vit_mini", 75_082, "small ViT: patch 4, width 64, depth 2, 4 heads", stages=2, patch=4),
    "vit_t4": _vit("vit_t4", 5_362_762, "ViT-Ti: patch 4, width 192, depth 12, 3 heads", stages=12, patch=4),
    "vit_s4": _vit("vit_s4", 21_342_346, "ViT-S: patch 4, width 384, depth 12, 6 heads", stages=12, patch=4),
    "vit_s16": _vit(
        "vit_s16", 22_050_664, "ViT-S: patch 16, width 384, depth 12, 6 heads", stages=12, patch=16, image_size=224
    ),
    "vit_s32": _vit(
        "vit_s32", 22_878_952, "ViT-S: patch 32, width 384, depth 12, 6 heads", stages=12, patch=32, image_size=224
    ),
    "transformer_iwslt": _translator(
        "iwslt", 39_469_056, "transformer with 6 + 6 layers, width 512, feed-forward 1024, 4 heads", dropout=0.3
    ),
    "transformer_tiny": _translator(
        "tiny", 1_158_144, "transformer with 2 + 2 layers, width 64, feed-forward 128, 2 heads", dropout=0.1
    ),
}

MODELS: Registry[ModelEntry] = Registry("model", _MODELS)


def entry(name: str) -> ModelEntry:
    """The record of model `name`, of MODELS or `timm/NAME`; KeyError if it is neither.

    Whether timm has a model NAME shows when it is built, because asking imports torch.
    """
    if name in MODELS.own or MODELS.is_path(name):
        return MODELS[name]
    timm_name = name.removeprefix(TIMM)
    if timm_name in (name, ""):
        raise KeyError(f"model {name!r}: there are {', '.join(MODELS)}, and {TIMM}NAME for a model of timm")
    transformer = "vit" in timm_name or "deit" in timm_name
    return ModelEntry(
        target=f"bench.models.timm_model:{timm_name}",
        summary=f"{timm_name} of timm",
        source="timm",
        family="vit" if transformer else "resnet",
        stages=0,
    )


def canonical(name: str) -> str:
    """The one name of a model; KeyError if there is none, PluginError for a user's own that can't be used."""
    if name.startswith(TIMM):
        entry(name)
        return name
    return MODELS.canonical(name)


def check_image_size(name: str, image_size: int) -> str | None:
    """Why model `name` can't take images of `image_size` × `image_size` pixels; None if it can."""
    found = entry(name)
    smallest, factor = found.min_size, found.multiple_of
    if image_size < smallest:
        return f"{name} takes images of at least {smallest}×{smallest} pixels, not {image_size}×{image_size}"
    if image_size % factor:
        return f"{name} takes images whose side is a multiple of {factor} pixels, not {image_size}×{image_size}"
    return None


def check_preprocessing(name: str, init_from: str) -> str | None:
    """Why there is no `preprocessing: model` for model `name` with these weights; None if there is."""
    if any(each.startswith(TIMM) for each in (name, init_from)) or entry(name).preprocessing:
        return None
    return f"{name} has no preprocessing of its own; use preprocessing: dataset"


def check_timm(name: str) -> None:
    """UserError with the nearest names if timm has no model NAME of `timm/NAME`."""
    from bench.models.timm_model import check_name  # it takes seconds to import timm, which knows

    check_name(name.removeprefix(TIMM))


def check_timm_weights(source: str) -> None:
    """UserError with the names that there are if timm has no weights NAME.TAG of `timm/NAME.TAG`."""
    from bench.models.timm_model import check_weights

    check_weights(source.removeprefix(TIMM))


def build(
    name: str,
    *,
    num_classes: int = 10,
    in_channels: int = 3,
    image_size: int | None = None,
    settings: Mapping[str, Scalar] | None = None,
) -> nn.Module:
    """Build model `name` with fresh weights drawn from torch's global generator.

    It maps (n, in_channels, image_size, image_size) images to (n, num_classes) logits. Without `image_size` it is
    built for the size that it was made for, which is 32 where that isn't known; `settings` are those of its record.
    UserError if it can't take images of that size.
    """
    found = entry(name)
    size = image_size or found.image_size or _UNKNOWN_SIZE
    fault = check_image_size(name, size)
    if fault:
        raise UserError(fault)
    chosen = {name: setting.default for name, setting in found.settings.items()} | dict(settings or {})
    model: nn.Module = found.load()(num_classes=num_classes, in_channels=in_channels, image_size=size, **chosen)
    return model
