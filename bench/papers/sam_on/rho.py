"""RHO: the paper's tables of ρ.

Source: Müller et al. 2023 ("Normalization Layers Are All That Sharpness-Aware Minimization Needs"), Table 7 for
CIFAR; Table 8 for ImageNet, which names the reported value and those that were tried beside it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class RhoRow:
    """One row of Table 7, or one cell of Table 8."""

    grid: tuple[float, ...]
    """The searched values."""
    chosen: float
    """The value used for the reported results."""
    guess: bool = False
    """Whether the mark of the chosen value is lost in the text and ours is an inference."""


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

_IMAGENET_RESNET = {
    ("sam", "all"): RhoRow(grid=(0.05,), chosen=0.05),
    ("elementwise_l2", "all"): RhoRow(grid=(1,), chosen=1),
    ("elementwise_l2", "only_norm"): RhoRow(grid=(1,), chosen=1),
    ("elementwise_linf", "all"): RhoRow(grid=(0.001, 0.01), chosen=0.001),
    ("elementwise_linf", "only_norm"): RhoRow(grid=(0.005, 0.05), chosen=0.005),
    ("layerwise_l2", "all"): RhoRow(grid=(0.005, 0.05), chosen=0.005),
    ("layerwise_l2", "only_norm"): RhoRow(grid=(0.05, 0.5), chosen=0.05, guess=True),
}

_IMAGENET_VIT = {
    ("sam", "all"): RhoRow(grid=(0.05, 0.1, 0.25, 0.5, 1), chosen=0.1, guess=True),
    ("sam", "only_norm"): RhoRow(grid=(1, 2.5, 5, 10, 25), chosen=10, guess=True),
}
"""Of what the paper has for AdamW and Lion, 10 for Lion on only_norm is all that is left; the grids are ours."""

_IMAGENET_FINETUNED = {
    ("sam", "all"): RhoRow(grid=(0.001, 0.01, 0.1), chosen=0.01),
    ("sam", "only_norm"): RhoRow(grid=(0.01, 0.1, 1), chosen=0.1),
    ("elementwise_l2", "all"): RhoRow(grid=(0.01, 0.1, 1), chosen=0.1),
    ("elementwise_l2", "only_norm"): RhoRow(grid=(0.1, 1, 10), chosen=1),
    ("elementwise_linf", "all"): RhoRow(grid=(1e-5, 1e-4, 1e-3), chosen=1e-4),
    ("elementwise_linf", "only_norm"): RhoRow(grid=(1e-3, 1e-2, 1e-1), chosen=1e-2),
    ("layerwise_l2", "all"): RhoRow(grid=(1e-4, 1e-3, 1e-2), chosen=1e-3),
    ("layerwise_l2", "only_norm"): RhoRow(grid=(1e-3, 1e-2, 1e-1), chosen=1e-3),
}

RHO: dict[tuple[str, str], dict[tuple[str, str], RhoRow]] = {
    ("cifar10", "resnet"): _RESNET_10,
    ("cifar100", "resnet"): _RESNET_100,
    ("cifar10", "vit"): _VIT,
    ("cifar100", "vit"): _VIT,
    ("imagenet", "resnet"): _IMAGENET_RESNET,
    ("imagenet", "vit"): _IMAGENET_VIT,
    ("imagenet", "fine-tuned vit"): _IMAGENET_FINETUNED,
}
"""(data set, model family) → (variant, scope) → row."""
