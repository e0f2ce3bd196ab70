"""AUGMENTATIONS: how training images are varied, as light records; whole batches, one file per idea."""

from __future__ import annotations

from typing import Annotated, Literal

from annotated_types import Ge, Lt

from bench.plugins import Registry
from bench.registry import AugmentationEntry, Setting

_AUGMENTATIONS: dict[str, AugmentationEntry] = {
    "none": AugmentationEntry(
        target="bench.data.augmentations.basic:none", summary="images as they are; large ones cut to a central square"
    ),
    "basic": AugmentationEntry(
        target="bench.data.augmentations.basic:basic",
        summary="random crop with zero padding of an eighth of the size; flip where the labels allow it",
        same_size=True,
    ),
    "basic+cutout": AugmentationEntry(
        target="bench.data.augmentations.cutout:basic_cutout",
        summary="basic, then a square of half the side cut out of half the images, as in the SSAM code",
        source="DeVries and Taylor 2017; Mi et al. 2022",
        same_size=True,
    ),
    "basic+aa": AugmentationEntry(
        target="bench.data.augmentations.autoaugment:basic_autoaugment",
        summary="basic, then AutoAugment's policy for CIFAR-10 as in the SAM-ON code: grey outside, bicubic shear",
        source="Cubuk et al. 2019; Müller et al. 2023",
        same_size=True,
    ),
    "basic+aa_torchvision": AugmentationEntry(
        target="bench.data.augmentations.autoaugment:basic_autoaugment_torchvision",
        summary="the same policy by torchvision's operations: black outside, nearest sampling",
        source="Cubuk et al. 2019; torchvision's AutoAugment",
        same_size=True,
    ),
    "inception": AugmentationEntry(
        target="bench.data.augmentations.inception:inception",
        summary="random crop of 8 to 100 % of the area with aspect ratio 3/4 to 4/3; flip",
        source="Szegedy et al. 2015",
        settings={
            "color_jitter": Setting(
                type=Annotated[float, Ge(0), Lt(1)],
                default=0.0,
                summary="largest change of brightness, contrast and saturation, in random order",
            ),
            "crop_interpolation": Setting(
                type=Literal["bilinear", "bicubic", "random"],
                default="bilinear",
                summary="how crops are resized; random: bilinear or bicubic, drawn per image",
            ),
        },
        resizes=True,
    ),
}


AUGMENTATIONS: Registry[AugmentationEntry] = Registry("augmentation", _AUGMENTATIONS)
