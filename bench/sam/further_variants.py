"""FURTHER_VARIANTS: sharpness-aware methods published beside or after SAM-ON, as light records.

What of a method isn't known from its paper's text or its authors' code says so: "second hand" was read in a summary,
"our guess" is an inference.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le, Lt

from bench.registry import Setting, VariantEntry

_NUMBER = Annotated[float, Gt(-math.inf), Lt(math.inf)]
NON_NEGATIVE = Annotated[float, Ge(0), Lt(math.inf)]
_POSITIVE = Annotated[float, Gt(0), Lt(math.inf)]
SHARE = Annotated[float, Gt(0), Le(1)]
_WEIGHT = Annotated[float, Ge(0), Le(1)]
UNIT = Annotated[float, Ge(0), Lt(1)]


def _of_async_sam(settings: Mapping[str, Any]) -> float:
    return 2.0 if settings["ascent"] == "computed" else 1.0


def _of_rst(settings: Mapping[str, Any]) -> float:
    return 1.0 + float(settings["probability"])


def _of_k_sam(settings: Mapping[str, Any]) -> float:
    return 1 / 3 + 2 * float(settings["sample_share"])


FURTHER_VARIANTS: dict[str, VariantEntry] = {
    "msam": VariantEntry(
        target="bench.sam.variants.cheap.msam:Msam",
        summary="ε = −ρ·v/‖v‖ along the base optimizer's momentum v; one pass",
        source="Becker et al. 2024 (MSAM)",
        base="momentum",
        passes=1.0,
        settings={
            "decay_at": Setting(
                type=Literal["perturbed", "clean"],
                default="perturbed",
                summary="weights that SGD's weight decay shrinks; perturbed: as in the authors' code",
            )
        },
    ),
    "async_sam": VariantEntry(
        target="bench.sam.variants.cheap.async_sam:AsyncSam",
        summary="ε = ρ·h/‖h‖ with h the previous step's gradient; one pass (recycled) or two (computed)",
        source="Jo et al. 2025 (AsyncSAM)",
        unsure="known from a second-hand account of its paper; the recycled ascent is a guess",
        passes=_of_async_sam,
        settings={
            "ascent": Setting(
                type=Literal["recycled", "computed"],
                default="recycled",
                summary="h; recycled: last final gradient (our guess); computed: last gradient at w, as published",
            )
        },
    ),
    "ae_sam": VariantEntry(
        target="bench.sam.variants.cheap.ae_sam:AeSam",
        summary="a SAM step when ‖g‖² is unusually large, else the base optimizer's step",
        source="Jiang et al. 2023 (AE-SAM)",
        unsure="known from a second-hand account of its paper; the constants are guesses",
        passes=None,
        settings={
            "decay": Setting(type=UNIT, default=0.9, summary="δ: decay of the running mean and variance; our guess"),
            "threshold_start": Setting(
                type=_NUMBER, default=1.0, summary="λ₂: threshold at the start, in standard deviations; our guess"
            ),
            "threshold_end": Setting(type=_NUMBER, default=-1.0, summary="λ₁: threshold at the end; our guess"),
        },
    ),
    "rst": VariantEntry(
        target="bench.sam.variants.cheap.rst:Rst",
        summary="a SAM step with probability p, else the base optimizer's step",
        source="Zhao et al. 2022 (RST)",
        unsure="known from its abstract alone",
        passes=_of_rst,
        settings={"probability": Setting(type=_WEIGHT, default=0.5, summary="p: chance of a SAM step")},
    ),
    "k_sam": VariantEntry(
        target="bench.sam.variants.cheap.k_sam:KSam",
        summary="both passes on the samples with the largest losses",
        source="Ni et al. 2022 (K-SAM)",
        unsure="known from its abstract alone; that both passes use the same samples is a guess",
        passes=_of_k_sam,
        settings={"sample_share": Setting(type=SHARE, default=0.5, summary="k/n: share of the samples")},
    ),
    "friendly": VariantEntry(
        target="bench.sam.variants.direction.friendly:Friendly",
        summary="ε along g − σ·m, with m a moving average of g",
        source="Li et al. 2024 (F-SAM), as the authors' code",
        settings={
            "sigma": Setting(type=NON_NEGATIVE, default=1.0, summary="σ: weight of m"),
            "decay": Setting(type=UNIT, default=0.9, summary="λ: decay of m"),
        },
    ),
    "vasso": VariantEntry(
        target="bench.sam.variants.direction.vasso:Vasso",
        summary="ε along a moving average of g",
        source="Li and Giannakis 2023 (VaSSO)",
        settings={"theta": Setting(type=SHARE, default=0.9, summary="θ: weight of the new gradient")},
    ),
    "gcsam": VariantEntry(
        target="bench.sam.variants.direction.gcsam:GcSam",
        summary="ε along the gradient centred per matrix row; plain SAM for norm layers",
        source="Hassan et al. 2025 (GCSAM)",
        settings={
            "form": Setting(
                type=Literal["code", "paper"],
                default="code",
                summary="code: as the authors' code; paper: norm of centred g, final g centred too (second hand)",
            )
        },
    ),
    "zsharp": VariantEntry(
        target="bench.sam.variants.direction.zsharp:ZSharp",
        summary="ε along the outlying entries of each matrix; plain SAM for norm layers",
        source="Yun 2025 (ZSharp)",
        settings={
            "quantile": Setting(type=UNIT, default=0.95, summary="quantile of |z| above which entries are kept"),
            "norm_over": Setting(
                type=Literal["tensor", "all"],
                default="tensor",
                summary="tensor: each has its own norm, as in the code; all: one norm, as in the paper (second hand)",
            ),
        },
    ),
    "unified_sam": VariantEntry(
        target="bench.sam.variants.direction.unified_sam:UnifiedSam",
        summary="ε = ρ·(1 − λ + λ/‖g‖)·g, between SAM and its unnormalised form",
        source="Oikonomou and Loizou 2025 (Unified SAM)",
        settings={
            "share": Setting(type=_WEIGHT, default=1.0, summary="λ of the constant schedule; 1 is SAM"),
            "schedule": Setting(
                type=Literal["constant", "rising", "falling"],
                default="constant",
                summary="λ at step t; rising: 1 − 1/t; falling: 1/t",
            ),
        },
    ),
    "stable_sam": VariantEntry(
        target="bench.sam.variants.descent.stable_sam:StableSam",
        summary="descends along g_p rescaled to the norm of g",
        source="Tan et al. 2025 (Stable SAM)",
        unsure="taking its norms over all tensors, whatever the scope, is a guess",
        settings={
            "normalised": Setting(
                type=bool, default=True, summary="whether ε is ρ·g/‖g‖; false: ρ·g, the paper's main form (second hand)"
            ),
            "norm_over": Setting(
                type=Literal["all", "scope"],
                default="all",
                summary="tensors over which both norms are taken; all is our guess",
            ),
        },
    ),
    "wsam": VariantEntry(
        target="bench.sam.variants.descent.wsam:WSam",
        summary="descends along g plus the separately weighted sharpness g_p − g",
        source="Yue et al. 2023 (WSAM)",
        settings={
            "gamma": Setting(type=UNIT, default=0.9, summary="γ: the weight is γ/(1 − γ)"),
            "decouple": Setting(
                type=bool,
                default=True,
                summary="whether the base optimizer sees g alone and the sharpness is added afterwards",
            ),
        },
    ),
    "bsam": VariantEntry(
        target="bench.sam.variants.descent.bsam:Bsam",
        summary="ε = ρ·g/s from a noisy gradient, with a precision s per entry; replaces the optimizer, on bare SGD",
        source="Möllenhoff and Khan 2023 (bSAM)",
        base="bare",
        unsure="what it does outside its scope is a guess",
        settings={
            "beta1": Setting(type=UNIT, default=0.9, summary="β₁: decay of the momentum"),
            "beta2": Setting(type=UNIT, default=0.999, summary="β₂: decay of the precision"),
            "damping": Setting(type=NON_NEGATIVE, default=0.1, summary="added to the precision"),
            "delta": Setting(type=NON_NEGATIVE, default=0.0, required=True, summary="δ: prior precision / N"),
            "data_size": Setting(
                type=_POSITIVE,
                default=1.0,
                required=True,
                summary="N: training samples × a factor for augmentation (4 on CIFAR)",
            ),
            "s_init": Setting(type=_POSITIVE, default=1.0, summary="precision at the start"),
        },
    ),
}
