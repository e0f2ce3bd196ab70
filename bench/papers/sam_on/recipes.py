"""RECIPES: named base hyperparameters, each value with its source.

Source: Müller et al. 2023 ("Normalization Layers Are All That Sharpness-Aware Minimization Needs"), appendix A.
What the paper doesn't say is a guess and marked as one. The digits recipes are ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_PAPER = "paper, appendix A"
_TIMM = "guess: timm's default"
_CODE = "SAM-ON code"
_SSAM = "guess: SSAM's code; the paper says that settings differ slightly there, not how"
_SCRIPT = "timm's training script"
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


_SGD = {"optimizer": "sgd", "momentum": 0.9, "nesterov": False}
_NESTEROV = _SGD | {"nesterov": True}
_CIFAR = {"label_smoothing": 0.1, "weight_decay_on": "all", "drop_last": False}
_CIFAR_SOURCES = {"weight_decay_on": _CODE, "drop_last": _CODE, "nesterov": _CODE}
_ADAMW = {"optimizer": "adamw", "beta1": 0.9, "beta2": 0.999}
_IMAGENET = {
    "dataset": "imagenet", "augment": "inception", "color_jitter": 0.4, "crop_interpolation": "random",
    "preprocessing": "model", "label_smoothing": 0.1, "min_lr": 1e-5, "warmup_lr": 1e-4, "weight_decay_on": "matrices",
    "drop_last": True,
}  # fmt: skip
_IMAGENET_SOURCES = {
    "color_jitter": "guess: timm's script does so unless told not to; the paper says inception-style only",
    "crop_interpolation": f"{_SCRIPT}: drawn from bilinear and bicubic for each image",
    "preprocessing": f"{_SCRIPT}: mean, std, crop and interpolation are the model's",
    "label_smoothing": f"{_SCRIPT}: default of all versions",
    "min_lr": "guess: default of timm's script 0.4.12; 1e-6 in 0.5 and 0.6, 0 later",
    "warmup_lr": "guess: default of timm's script until 0.6; 1e-5 later",
    "weight_decay_on": f"{_SCRIPT}: neither tensors of one dimension nor biases, tokens and position embeddings",
    "drop_last": f"{_SCRIPT}: its loader for training",
}
_OPT_SGD = "guess: sgd is Nesterov's in timm's script, where momentum is plain"

RECIPES: dict[str, Recipe] = {
    "cifar-resnet": _recipe(
        "convolutional networks on CIFAR: SGD, 200 epochs, batch 128; the paper also uses basic+aa",
        {
            **_CIFAR, **_SGD, "lr": 0.1, "weight_decay": 5e-4, "batch_size": 128, "epochs": 200, "augment": "basic",
        },
        **_CIFAR_SOURCES,
    ),
    "cifar-resnet-ssam": _recipe(
        "the same as in SSAM's public code, with cutout; perhaps how the paper trains for its Figures 4 and 8",
        {
            **_CIFAR, **_SGD, "lr": 0.05, "weight_decay": 1e-3, "batch_size": 128, "epochs": 200, "drop_last": True,
            "label_smoothing": 0.0, "augment": "basic+cutout", "preprocessing": "cifar10_pixels",
        },
        _CODE,
        **dict.fromkeys(("lr", "drop_last", "label_smoothing", "augment", "preprocessing"), _SSAM),
        weight_decay=f"{_SSAM}: 1e-3 in its examples of SAM and SSAM, 5e-4 in that of SGD",
        batch_size=_PAPER,
        epochs=_PAPER,
    ),
    "cifar-vit": _recipe(
        "vision transformers on CIFAR: AdamW, 200 epochs, batch 64",
        {
            **_CIFAR, **_ADAMW, "lr": 1e-4, "weight_decay": 5e-4, "batch_size": 64, "epochs": 200,
            "augment": "basic+aa",
        },
        **_CIFAR_SOURCES,
    ),
    "imagenet-resnet50": _recipe(
        "ResNet-50 on ImageNet: SGD, 90 epochs plus 10 of cool-down, batch 512 in micro-batches of 64",
        {
            **_IMAGENET, **_NESTEROV, "model": "resnet50", "zero_init": True, "lr": 0.2, "weight_decay": 1e-4,
            "batch_size": 512, "m": 64, "epochs": 90, "warmup_epochs": 3, "cooldown_epochs": 10,
        },
        **_IMAGENET_SOURCES,
        nesterov=_OPT_SGD,
        zero_init=f"{_SCRIPT}: timm's ResNets start so",
    ),
    "imagenet-vit-s32": _recipe(
        "ViT-S/32 on ImageNet: AdamW, 300 epochs, batch 128; the paper also uses lion",
        {
            **_IMAGENET, **_ADAMW, "model": "vit_s32", "lr": 1e-3, "weight_decay": 0.1, "batch_size": 128, "m": 128,
            "epochs": 300, "warmup_epochs": 10, "cooldown_epochs": 0,
        },
        **_IMAGENET_SOURCES,
        beta1=_TIMM,
        beta2=_TIMM,
    ),
    "imagenet-vit-s16-finetune": _recipe(
        "ViT-S/16 fine-tuned on ImageNet: SGD, 9 epochs, batch 896 in micro-batches of 128",
        {
            **_IMAGENET, **_NESTEROV, "model": "vit_s16", "init_from": "timm/vit_small_patch16_224.augreg_in21k",
            "lr": 0.017, "weight_decay": 1e-4, "batch_size": 896, "m": 128, "epochs": 9, "warmup_epochs": 1,
            "cooldown_epochs": 0,
        },
        **_IMAGENET_SOURCES,
        nesterov=_OPT_SGD,
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
