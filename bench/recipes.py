"""RECIPES: named base hyperparameters, and the paper's ρ table.

Source: Müller et al. 2023 ("Normalization Layers Are All That Sharpness-Aware Minimization Needs"), appendix A
for the recipes, Table 7 for ρ. The digits recipes are ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Values of trial fields and settings that a sweep starts from and may override."""

    summary: str
    values: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class RhoRow:
    """One row of Table 7."""

    grid: tuple[float, ...]
    """The searched values."""
    chosen: float
    """The value used for the reported results."""
    guess: bool = False
    """Whether the mark of the chosen value is lost in the text and ours is an inference."""


RECIPES: dict[str, Recipe] = {
    "cifar-resnet": Recipe(
        summary="CIFAR ResNets: SGD, 200 epochs, batch 128 (paper)",
        values={
            "optimizer": "sgd", "lr": 0.1, "momentum": 0.9, "weight_decay": 5e-4, "batch_size": 128,
            "epochs": 200, "label_smoothing": 0.1, "augment": "basic",
        },
    ),
    "digits-resnet": Recipe(
        summary="small ResNets on 8×8 digits: SGD, 20 epochs, batch 64 (ours)",
        values={
            "dataset": "digits", "optimizer": "sgd", "lr": 0.1, "momentum": 0.9, "weight_decay": 5e-4,
            "batch_size": 64, "epochs": 20,
        },
    ),
    "digits-vit": Recipe(
        summary="small ViTs on 8×8 digits: AdamW, 20 epochs, batch 64 (ours)",
        values={
            "dataset": "digits", "optimizer": "adamw", "lr": 1e-3, "weight_decay": 0.1, "batch_size": 64,
            "epochs": 20,
        },
    ),
}  # fmt: skip

_RESNET_10 = {
    ("sam", "all"): RhoRow(grid=(0.05, 0.1, 0.25), chosen=0.1),
    ("sam", "only_norm"): RhoRow(grid=(0.1, 0.5, 1), chosen=0.5),
    ("elementwise_l2", "all"): RhoRow(grid=(0.5, 1, 2, 3, 5), chosen=2),
    ("elementwise_l2", "only_norm"): RhoRow(grid=(0.5, 1, 2, 3, 5), chosen=3),
    ("elementwise_l2_orig", "all"): RhoRow(grid=(0.1, 0.5, 1, 5, 10), chosen=0.5),
    ("elementwise_l2_orig", "only_norm"): RhoRow(grid=(0.1, 0.5, 1, 5, 10), chosen=0.5),
    ("elementwise_linf", "all"): RhoRow(grid=(0.001, 0.005, 0.01, 0.05), chosen=0.005),
    ("elementwise_linf", "only_norm"): RhoRow(grid=(0.01, 0.025, 0.05, 0.1), chosen=0.025),
    ("layerwise_l2", "all"): RhoRow(grid=(0.005, 0.01, 0.025, 0.05, 0.1), chosen=0.025),
    ("layerwise_l2", "only_norm"): RhoRow(grid=(0.05, 0.1, 0.25, 0.5, 1), chosen=0.25),
    ("fisher", "all"): RhoRow(grid=(0.05, 0.1, 0.5, 1, 5), chosen=0.1),
    ("fisher", "only_norm"): RhoRow(grid=(0.1, 0.5, 1, 5, 10), chosen=0.5, guess=True),
}

_RESNET_100 = {
    ("sam", "all"): RhoRow(grid=(0.05, 0.1, 0.5, 1), chosen=0.1),
    ("sam", "only_norm"): RhoRow(grid=(0.1, 0.5, 1, 5), chosen=1),
    ("elementwise_l2", "all"): RhoRow(grid=(0.5, 1, 2.5, 5, 10), chosen=2.5, guess=True),
    ("elementwise_l2", "only_norm"): RhoRow(grid=(0.5, 1, 2.5, 5, 10), chosen=2.5),
    ("elementwise_l2_orig", "all"): RhoRow(grid=(0.5, 1, 2.5, 5), chosen=1, guess=True),
    ("elementwise_l2_orig", "only_norm"): RhoRow(grid=(0.5, 1, 2.5, 5), chosen=1),
    ("elementwise_linf", "all"): RhoRow(grid=(0.001, 0.005, 0.01, 0.05), chosen=0.01),
    ("elementwise_linf", "only_norm"): RhoRow(grid=(0.01, 0.05, 0.1, 0.5), chosen=0.05),
    ("layerwise_l2", "all"): RhoRow(grid=(0.001, 0.01, 0.05, 0.1), chosen=0.01),
    ("layerwise_l2", "only_norm"): RhoRow(grid=(0.1, 0.2, 0.5, 1), chosen=0.2),
    ("fisher", "all"): RhoRow(grid=(0.05, 0.1, 0.5, 1), chosen=0.1),
    ("fisher", "only_norm"): RhoRow(grid=(0.1, 0.5, 1, 5, 10), chosen=1, guess=True),
}

_VIT = {
    ("sam", "all"): RhoRow(grid=(0.025, 0.05, 0.1, 0.25, 0.5), chosen=0.1),
    ("sam", "only_norm"): RhoRow(grid=(1, 2.5, 5, 10, 25), chosen=10),
    ("elementwise_l2", "all"): RhoRow(grid=(0.5, 1, 2.5, 5, 10), chosen=2.5),
    ("elementwise_l2", "only_norm"): RhoRow(grid=(1, 2.5, 5, 10, 25), chosen=10),
    ("elementwise_l2_orig", "all"): RhoRow(grid=(0.5, 1, 2.5, 5, 10), chosen=2.5),
    ("elementwise_l2_orig", "only_norm"): RhoRow(grid=(1, 2.5, 5, 10, 25), chosen=10),
    ("elementwise_linf", "all"): RhoRow(grid=(0.0005, 0.001, 0.0025, 0.005, 0.01), chosen=0.0025),
    ("elementwise_linf", "only_norm"): RhoRow(grid=(0.025, 0.05, 0.1, 0.25, 0.5), chosen=0.1),
    ("layerwise_l2", "all"): RhoRow(grid=(0.001, 0.0025, 0.005, 0.01, 0.025), chosen=0.005),
    ("layerwise_l2", "only_norm"): RhoRow(grid=(0.05, 0.1, 0.25, 0.5, 1), chosen=0.5),
    ("fisher", "all"): RhoRow(grid=(0.05, 0.1, 0.5, 1, 5), chosen=0.1),
    ("fisher", "only_norm"): RhoRow(grid=(0.1, 0.5, 1, 5, 10), chosen=10, guess=True),
}

RHO: dict[tuple[str, str], dict[tuple[str, str], RhoRow]] = {
    ("cifar10", "resnet"): _RESNET_10,
    ("cifar100", "resnet"): _RESNET_100,
    ("cifar10", "vit"): _VIT,
    ("cifar100", "vit"): _VIT,
}
"""Table 7: (data set, model family) → (variant, scope) → row."""
