"""VARIANTS and SCOPES: how ε is made of the gradient and what it touches, as light records.

Nothing here imports torch, so that a sweep can be checked and listed without it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from annotated_types import Ge

from bench.plugins import Registry
from bench.registry import ScopeEntry, Setting, VariantEntry
from bench.sam.further_variants import FURTHER_VARIANTS, NON_NEGATIVE, SHARE, UNIT

_SAM_ON = "Müller et al. 2023 (SAM-ON), Table 9"
_SSAM = "Mi et al. 2022 (SSAM)"

_COUNT = Annotated[int, Ge(1)]


def _eta(default: float, summary: str) -> dict[str, Setting]:
    return {"eta": Setting(type=NON_NEGATIVE, default=default, summary=summary)}


_VARIANTS: dict[str, VariantEntry] = {
    "sam": VariantEntry(
        target="bench.sam.variants.sam:Sam",
        summary="ε = ρ·g/‖g‖",
        source="Foret et al. 2021, equation 2",
    ),
    "elementwise_l2": VariantEntry(
        target="bench.sam.variants.elementwise_l2:ElementwiseL2",
        summary="ε = ρ·T²g/‖Tg‖ with T = |w| + η for every parameter",
        source=f"{_SAM_ON}; Kwon et al. 2021 (ASAM)",
        settings=_eta(0.0, "added to |w|"),
    ),
    "elementwise_l2_orig": VariantEntry(
        target="bench.sam.variants.elementwise_l2_orig:ElementwiseL2Orig",
        summary="ε = ρ·T²g/‖Tg‖ with T = |w| + η for weights and 1 for biases",
        source=f"{_SAM_ON}; Kwon et al. 2021 (ASAM), as published",
        settings=_eta(0.01, "added to |w| of weights"),
    ),
    "elementwise_linf": VariantEntry(
        target="bench.sam.variants.elementwise_linf:ElementwiseLinf",
        summary="ε = ρ·T·sign(g) with T = |w| + η for every parameter",
        source=_SAM_ON,
        settings=_eta(0.0, "added to |w|"),
    ),
    "layerwise_l2": VariantEntry(
        target="bench.sam.variants.layerwise_l2:LayerwiseL2",
        summary="ε = ρ·T²g/‖Tg‖ with T = ‖tensor‖ + η, one number per parameter tensor",
        source=_SAM_ON,
        settings=_eta(0.0, "added to the norm of the tensor"),
    ),
    "fisher": VariantEntry(
        target="bench.sam.variants.fisher:Fisher",
        summary="ε = ρ·T²g/‖Tg‖ with T = (1 + η·g²)^(-1/2)",
        source=f"{_SAM_ON}; Kim et al. 2022 (Fisher SAM)",
        settings=_eta(1.0, "weight of g² in T"),
    ),
    "esam": VariantEntry(
        target="bench.sam.variants.esam:Esam",
        summary="perturbs a random subset of tensors, with pass 2 on the sharpest samples only",
        source="Du et al. 2022 (ESAM)",
        settings={
            "tensor_share": Setting(type=SHARE, default=0.6, summary="β: chance that a tensor is perturbed"),
            "sample_share": Setting(type=SHARE, default=0.5, summary="γ: share of the samples in pass 2"),
        },
        # To choose the samples, all go forward at w + ε.
        passes=lambda settings: 1 + 1 / 3 + settings["sample_share"],
    ),
    "gsam": VariantEntry(
        target="bench.sam.variants.gsam:Gsam",
        summary="descends along g_p − α·g⊥, with ρ following the learning rate from ρ down to ρ_min",
        source="Zhuang et al. 2022 (GSAM), algorithm 1",
        settings={
            "alpha": Setting(type=NON_NEGATIVE, default=0.01, summary="α: weight of g⊥"),
            "rho_min": Setting(type=NON_NEGATIVE, default=0.0, summary="ρ at the lowest learning rate"),
            "lr_min": Setting(type=NON_NEGATIVE, default=0.0, summary="lowest learning rate"),
        },
    ),
    "looksam": VariantEntry(
        target="bench.sam.variants.looksam:LookSam",
        summary="a SAM step every k steps; one pass in between, corrected by the remembered sharpness direction",
        source="Liu et al. 2022 (LookSAM), algorithm 1",
        settings={
            "alpha": Setting(type=NON_NEGATIVE, default=0.7, summary="α: weight of the remembered direction"),
            "every": Setting(type=_COUNT, default=10, summary="k: one SAM step every k steps"),
        },
        passes=lambda settings: 1 + 1 / settings["every"],
    ),
    **FURTHER_VARIANTS,
}

_MASKED = {
    "sparsity": Setting(type=UNIT, default=0.5, summary="share of entries that are not perturbed"),
    "mask_every": Setting(type=_COUNT, default=1, summary="epochs from one mask to the next"),
}

_SCOPES: dict[str, ScopeEntry] = {
    "all": ScopeEntry(
        target="bench.sam.scopes.all_parameters:AllParameters",
        summary="every trainable parameter",
        source="Foret et al. 2021",
        stages=True,
    ),
    "only_norm": ScopeEntry(
        target="bench.sam.scopes.only_norm:OnlyNorm",
        summary="γ and β of the normalization layers; only_norm[2,3] takes these stages only",
        source="Müller et al. 2023 (SAM-ON), section 4",
        stages=True,
    ),
    "no_norm": ScopeEntry(
        target="bench.sam.scopes.no_norm:NoNorm",
        summary="everything but the normalization layers",
        source="Müller et al. 2023 (SAM-ON), section 4",
        stages=True,
    ),
    "random": ScopeEntry(
        target="bench.sam.scopes.random:Random",
        summary="a fixed random set of entries",
        source="Müller et al. 2023 (SAM-ON), section 5.1",
        settings={
            "sparsity": Setting(
                type=UNIT | Literal["only_norm"],
                default="only_norm",
                summary="share of entries that are not perturbed; only_norm: as many as only_norm leaves",
            ),
            "mask_seed": Setting(
                type=Annotated[int, Ge(0)], default=0, summary="number of the mask among those the trial's seed yields"
            ),
        },
    ),
    "ssam_f": ScopeEntry(
        target="bench.sam.scopes.ssam_f:SsamF",
        summary="the entries with the largest empirical Fisher information, reselected as epochs start",
        source=f"{_SSAM}, algorithm 2",
        settings={
            **_MASKED,
            "fisher_samples": Setting(type=_COUNT, default=16, summary="training samples per mask"),
        },
        samples="fisher_samples",
    ),
    "ssam_d": ScopeEntry(
        target="bench.sam.scopes.ssam_d:SsamD",
        summary="a random set of entries that drops flat ones and regrows others as epochs start",
        source=f"{_SSAM}, algorithm 3",
        settings=_MASKED,
    ),
}

VARIANTS: Registry[VariantEntry] = Registry("variant", _VARIANTS)
SCOPES: Registry[ScopeEntry] = Registry("scope", _SCOPES)
