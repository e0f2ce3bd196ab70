"""The form of each of the paper's tables, and the names that it prints for ours.

Source: Müller et al. 2023 ("Normalization Layers Are All That Sharpness-Aware Minimization Needs").
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bench.trial import NONE


@dataclass(frozen=True)
class Form:
    """How one of the paper's tables is arranged."""

    blocks: tuple[str, ...] = ()
    """Fields whose values divide the table into blocks of lines."""
    lines_are_scopes: bool = False
    """Whether a line is a scope with its sparsity, rather than a variant with its scopes side by side."""
    lines_have_rho: bool = False
    """Whether each ρ has a line of its own, rather than the best being chosen."""
    cited: tuple[str, ...] = ()
    """Variants whose numbers the paper takes from other papers, so that it trained nothing of the kind."""


_BY_AUGMENT, _BY_DATASET, _BY_OPTIMIZER = Form(("augment",)), Form(("dataset",)), Form(("optimizer",))

FORMS: dict[str, Form] = {
    "table1": _BY_AUGMENT,
    "table2": Form(cited=("esam", "gsam")),
    "table3": _BY_DATASET,
    "table4": _BY_OPTIMIZER,
    "table5": Form(lines_are_scopes=True),
    "table6": Form(),
    "table10": _BY_AUGMENT,
    "table11": _BY_DATASET,
    "table12": Form(lines_are_scopes=True),
    "table13": Form(),
    "table14": Form(),
    "table15": _BY_OPTIMIZER,
    "table16": Form(),
    "table17": Form(lines_have_rho=True),
    "table18": Form(),
    "table19": Form(),
}

METHODS: dict[str, str] = {
    NONE: "",
    "sam": "SAM",
    "esam": "ESAM",
    "gsam": "GSAM",
    "looksam": "LookSAM",
    "elementwise_l2": "el. ℓ₂",
    "elementwise_l2_orig": "el. ℓ₂ orig.",
    "elementwise_linf": "el. ℓ∞",
    "fisher": "Fisher",
    "layerwise_l2": "layer ℓ₂",
}
"""Variant → its name in the paper, in the order of its tables; the base optimizer has its own name."""

NAMES: dict[str, str] = {
    "all": "all", "only_norm": "ON", "random": "random mask", "ssam_f": "SSAM-F", "ssam_d": "SSAM-D",
    "sgd": "SGD", "adamw": "AdamW", "lion": "Lion",
    "basic+aa": "basic + AA",
    "cifar10": "CIFAR-10", "cifar100": "CIFAR-100", "imagenet": "ImageNet",
    "resnet56": "ResNet-56", "resnext29_32x4d": "ResNeXt-29-32x4d", "wrn28_10": "WRN-28-10",
    "vgg13_bn": "VGG-13", "vgg16_bn": "VGG-16", "vgg19_bn": "VGG-19", "densenet100": "DenseNet-100",
    "vit_t4": "ViT-T/4", "vit_s4": "ViT-S/4", "vit_s16": "ViT-S/16", "vit_s32": "ViT-S/32",
    "resnet50": "ResNet-50", "resnet101_cifar": "ResNet-101",
}  # fmt: skip
"""Our name → the paper's, where they differ."""


def form_of(paper: str | None) -> str | None:
    """The key of FORMS that a sweep's `paper:` names; None if it names a figure or nothing."""
    found = re.fullmatch(r"\s*table\s*(\d+)\s*", paper or "", re.IGNORECASE)
    name = f"table{found[1]}" if found else ""
    return name if name in FORMS else None


def paper_name(name: str) -> str:
    """What the paper calls a model, data set, scope or optimizer of ours."""
    return NAMES.get(name, name)
