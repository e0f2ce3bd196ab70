"""RECIPES: named base hyperparameters, each value with its source.

Source: Müller et al. 2023 ("Normalization Layers Are All That Sharpness-Aware Minimization Needs"), appendix A.
What the paper doesn't say is a guess and marked as one. The digits recipes are ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_PAPER = "paper, appendix A"
_TIMM = "guess: timm's default"
_SMOOTHING = "guess: as for CIFAR"
_OURS = "ours"


@dataclass(frozen=True)
class Value:
    """One value of a recipe."""

    value: Any
    source: str

    @property
    def guess(self) -> bool:
        """Whether the paper doesn't say it."""
        return self.source.startswith("guess")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Values of trial fields and settings that a sweep starts from and may override."""

    summary: str
    fields: dict[str, Value]

    @property
    def values(self) -> dict[str, Any]:
        """Field or setting → value."""
        return {name: each.value for name, each in self.fields.items()}

    @property
    def guesses(self) -> dict[str, Value]:
        """What of it is a guess."""
        return {name: each for name, each in self.fields.items() if each.guess}


def _recipe(summary: str, values: dict[str, Any], source: str = _PAPER, **sources: str) -> Recipe:
    """All values are of `source`, except where `sources` names another."""
    return Recipe(summary=summary, fields={name: Value(v, sources.get(name, source)) for name, v in values.items()})


_SGD = {"optimizer": "sgd", "momentum": 0.9}
_ADAMW = {"optimizer": "adamw", "beta1": 0.9, "beta2": 0.999}
_IMAGENET = {"dataset": "imagenet", "augment": "inception", "label_smoothing": 0.1, "min_lr": 1e-5, "warmup_lr": 1e-4}
_IMAGENET_SOURCES = {"label_smoothing": _SMOOTHING, "min_lr": _TIMM, "warmup_lr": _TIMM}

RECIPES: dict[str, Recipe] = {
    "cifar-resnet": _recipe(
        "convolutional networks on CIFAR: SGD, 200 epochs, batch 128; the paper also augments by basic+aa",
        {
            **_SGD, "lr": 0.1, "weight_decay": 5e-4, "batch_size": 128, "epochs": 200, "label_smoothing": 0.1,
            "augment": "basic",
        },
    ),
    "cifar-vit": _recipe(
        "vision transformers on CIFAR: AdamW, 200 epochs, batch 64",
        {
            **_ADAMW, "lr": 1e-4, "weight_decay": 5e-4, "batch_size": 64, "epochs": 200, "label_smoothing": 0.1,
            "augment": "basic+aa",
        },
    ),
    "imagenet-resnet50": _recipe(
        "ResNet-50 on ImageNet: SGD, 90 epochs and 10 of cool-down, batch 512 in parts of 64",
        {
            **_IMAGENET, **_SGD, "model": "resnet50", "lr": 0.2, "weight_decay": 1e-4, "batch_size": 512, "m": 64,
            "epochs": 90, "warmup_epochs": 3, "cooldown_epochs": 10,
        },
        **_IMAGENET_SOURCES,
    ),
    "imagenet-vit-s32": _recipe(
        "ViT-S/32 on ImageNet: AdamW, 300 epochs, batch 128; the paper also trains by lion",
        {
            **_IMAGENET, **_ADAMW, "model": "vit_s32", "lr": 1e-3, "weight_decay": 0.1, "batch_size": 128, "m": 128,
            "epochs": 300, "warmup_epochs": 10, "cooldown_epochs": 0,
        },
        **_IMAGENET_SOURCES,
        beta1=_TIMM,
        beta2=_TIMM,
    ),
    "imagenet-vit-s16-finetune": _recipe(
        "ViT-S/16 fine-tuned on ImageNet: SGD, 9 epochs, batch 896 in parts of 128",
        {
            **_IMAGENET, **_SGD, "model": "vit_s16", "init_from": "timm/vit_small_patch16_224.augreg_in21k",
            "lr": 0.017, "weight_decay": 1e-4, "batch_size": 896, "m": 128, "epochs": 9, "warmup_epochs": 1,
            "cooldown_epochs": 0,
        },
        **_IMAGENET_SOURCES,
        init_from="guess: the weights that are fine-tuned are not named",
    ),
    "digits-resnet": _recipe(
        "small ResNets on 8×8 digits: SGD, 20 epochs, batch 64",
        {"dataset": "digits", **_SGD, "lr": 0.1, "weight_decay": 5e-4, "batch_size": 64, "epochs": 20},
        _OURS,
    ),
    "digits-vit": _recipe(
        "small ViTs on 8×8 digits: AdamW, 20 epochs, batch 64",
        {"dataset": "digits", "optimizer": "adamw", "lr": 1e-3, "weight_decay": 0.1, "batch_size": 64, "epochs": 20},
        _OURS,
    ),
}  # fmt: skip

FAST_VALUES: dict[str, Any] = {"precision": "bfloat16", "channels_last": True, "tf32": True}
"""What `fast: true` stands for: other rounding, the same accuracy. Compiling stays a choice of its own: it takes
minutes to begin with and gains nothing on top of these on a CPU."""
