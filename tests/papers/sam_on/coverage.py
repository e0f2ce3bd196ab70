"""What each table and figure of the paper trains, written down from the paper and apart from the sweeps.

A trial is told by the fields of FIELDS; what a row doesn't name has the value of BASE.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any

from bench.trial import Trial
from tests.papers.sam_on.coverage_rho import NO_NORM, TABLE_7, TABLE_8

Run = tuple[Any, ...]

BASE: dict[str, Any] = {
    "dataset": "cifar100", "model": "wrn28_10", "augment": "basic", "init_from": "", "optimizer": "sgd", "lr": 0.1,
    "weight_decay": 5e-4, "batch_size": 128, "m": 128, "epochs": 200, "warmup_epochs": 0, "cooldown_epochs": 0,
    "label_smoothing": 0.1, "variant": "none", "scope": "none", "rho": None, "sparsity": None, "norm_rule": "type",
    "trainable": "all", "weight_decay_on": "all", "norm_dropout": 0.0, "norm_dropout_on": "parameters", "seed": 0,
}  # fmt: skip
"""The standing defaults: one seed of WRN-28-10 on CIFAR-100 by SGD, crop and flip."""

SEEDS = (0, 1, 2)
RESNETS = ("resnet56", "resnext29_32x4d", "wrn28_10")
SCOPES = ("all", "only_norm")


def runs(base: Mapping[str, Any] | None = None, **axes: Any) -> set[Run]:
    """The product of the axes; a value that is no tuple stands for itself."""
    listed = {name: value if isinstance(value, tuple) else (value,) for name, value in {**(base or {}), **axes}.items()}
    made = (dict(zip(listed, values, strict=True)) for values in product(*listed.values()))
    return {tuple((BASE | values).values()) for values in made}


def run_of(trial: Trial) -> Run:
    """The same of a trial."""
    return tuple(trial.value(name) for name in BASE)


def searched(rows: str, column: int = 0, *, chosen: bool) -> Iterable[tuple[str, list[float]]]:
    """`variant scope` and its ρ, of one column; the chosen one alone or all."""
    for row in rows.strip().splitlines():
        name, *cells = (part.strip() for part in row.split("|"))
        words = [word for word in cells[column].split() if word.startswith("*") or not chosen]
        yield name, [float(word.lstrip("*")) for word in words]


def methods(
    base: Mapping[str, Any], rows: str, column: int = 0, *, chosen: bool, variants: Sequence[str] = ()
) -> set[Run]:
    """Every variant and scope of a table of ρ, at its chosen ρ or at all; `variants`: of these alone."""
    found: set[Run] = set()
    for name, radii in searched(rows, column, chosen=chosen):
        variant, _, scope = name.partition(" ")
        if not variants or variant in variants:
            found |= runs(base, variant=variant, scope=scope or "no_norm", rho=tuple(radii))
    return found


VIT = {"optimizer": "adamw", "lr": 1e-4, "batch_size": 64, "m": 64, "augment": "basic+aa"}
IMAGENET = {"dataset": "imagenet", "augment": "inception", "weight_decay_on": "matrices"}
RESNET50 = IMAGENET | {
    "model": "resnet50", "lr": 0.2, "weight_decay": 1e-4, "batch_size": 512, "m": 64, "epochs": 90, "warmup_epochs": 3,
    "cooldown_epochs": 10,
}  # fmt: skip
VIT_S32 = IMAGENET | {
    "model": "vit_s32", "optimizer": ("adamw", "lion"), "lr": 1e-3, "weight_decay": 0.1, "epochs": 300,
    "warmup_epochs": 10,
}  # fmt: skip
VIT_S16 = IMAGENET | {
    "model": "vit_s16", "init_from": "timm/vit_small_patch16_224.augreg_in21k", "lr": 0.017, "weight_decay": 1e-4,
    "batch_size": 896, "m": 128, "epochs": 9, "warmup_epochs": 1,
}  # fmt: skip
IWSLT = {
    "dataset": "iwslt14_de_en", "model": "transformer_iwslt", "augment": "none", "optimizer": "adamw", "lr": 5e-4,
    "weight_decay": 1e-4, "batch_size": 4096, "m": 4096, "epochs": 50,
}  # fmt: skip
SEEDED: dict[str, Any] = {"seed": SEEDS}
TWO = {"augment": ("basic", "basic+aa"), "model": RESNETS, **SEEDED}
VGGS = {"model": ("vgg13_bn", "vgg16_bn", "vgg19_bn", "densenet100"), **SEEDED}
ATTACKED = ("sam", "elementwise_linf")
SAM: dict[str, Any] = {"variant": "sam", **SEEDED}
RESNET18 = {"model": "resnet18", "dataset": "cifar10", "norm_rule": "name", **SEEDED}
LEVELS = (0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.9993)

TABLE_1 = runs(TWO) | methods(TWO, TABLE_7, 1, chosen=True)
TABLE_10 = runs(TWO, dataset="cifar10") | methods(TWO | {"dataset": "cifar10"}, TABLE_7, 0, chosen=True)
TABLE_3_BASE = VIT | {"dataset": ("cifar10", "cifar100"), "model": ("vit_t4", "vit_s4"), **SEEDED}
TABLE_5 = (
    runs(SAM, scope="all", rho=0.1)
    | runs(SAM, scope="only_norm", rho=1.0)
    | runs(SAM, scope="random", sparsity="only_norm", rho=(0.2, 1.0))
    | runs(SAM, scope="ssam_f", sparsity=(0.5, 0.9995), rho=0.2)
)
TABLE_6 = runs(SEEDED) | methods(SEEDED, TABLE_7, 1, chosen=True, variants=ATTACKED)
FIGURE_4_LEFT = (
    runs(RESNET18)
    | runs(RESNET18, variant="sam", scope="all", rho=0.1)
    | runs(RESNET18, variant="sam", scope="only_norm", rho=0.5)
    | runs(RESNET18, variant="sam", scope="random", sparsity="only_norm", rho=(0.1, 0.5))
    | runs(RESNET18, variant="sam", scope="ssam_f", sparsity=LEVELS, rho=0.1)
)
FIGURE_6 = runs(SEEDED) | methods(SEEDED, TABLE_7, 1, chosen=False)
VIT_S4 = VIT | {"model": "vit_s4", **SEEDED}
FIGURE_7 = runs(VIT_S4) | methods(VIT_S4, TABLE_7, 2, chosen=False)
BLOCKS = ("only_norm[1]", "only_norm[2]", "only_norm[3]", "only_norm[2,3]")
FIGURE_3_BASE = {"model": ("wrn28_10", "resnext29_32x4d"), **SEEDED}
BATCHES = tuple((size, m) for size in (128, 256, 512) for m in (64, 128, 256, 512) if m <= size)
DECAYS = {"weight_decay_on": ("all", "no_norm", "none"), **SEEDED}
TABLE_4 = runs(VIT_S32, seed=SEEDS) | methods(VIT_S32 | SEEDED, TABLE_8["vit_s32"], chosen=True)

WHOLE: dict[str, dict[str, tuple[int, set[Run]]]] = {
    "Table 1": {"cifar100-resnets": (234, TABLE_1)},
    "Table 2": {
        "imagenet-resnet50": (
            24, runs(RESNET50, seed=SEEDS) | methods(RESNET50 | SEEDED, TABLE_8["resnet50"], chosen=True),
        ),
    },
    "Table 3": {"cifar-vit": (156, runs(TABLE_3_BASE) | methods(TABLE_3_BASE, TABLE_7, 2, chosen=True))},
    "Table 4": {"imagenet-vit-s32": (18, TABLE_4)},
    "Table 5": {"cifar100-sparse": (18, TABLE_5)},
    "Table 6": {"cifar100-sharpness": (15, TABLE_6)},
    "Table 7": {
        "rho-cifar10": (54, methods({"model": "resnet56", "dataset": "cifar10"}, TABLE_7, 0, chosen=False)),
        "rho-cifar100": (51, methods({"model": "resnet56"}, TABLE_7, 1, chosen=False)),
        "rho-cifar-vit": (
            120, methods(VIT | {"model": "vit_t4", "dataset": ("cifar10", "cifar100")}, TABLE_7, 2, chosen=False),
        ),
    },
    "Table 8": {
        "rho-imagenet-resnet50": (11, methods(RESNET50, TABLE_8["resnet50"], chosen=False)),
        "rho-imagenet-vit-s32": (20, methods(VIT_S32, TABLE_8["vit_s32"], chosen=False)),
        "rho-imagenet-vit-finetune": (24, methods(VIT_S16, TABLE_8["vit_s16"], chosen=False)),
    },
    "Table 9": {},
    "Table 10": {"cifar10-resnets": (234, TABLE_10)},
    "Table 11": {
        "cifar-vgg-densenet": (
            312,
            runs(VGGS, dataset=("cifar10", "cifar100"))
            | methods(VGGS | {"dataset": "cifar10"}, TABLE_7, 0, chosen=True)
            | methods(VGGS, TABLE_7, 1, chosen=True),
        ),
    },
    "Table 12": {
        "cifar100-ssam": (24, TABLE_5 | runs(SAM, scope="ssam_d", sparsity=(0.5, 0.9995), rho=0.2)),
    },
    "Table 13": {"imagenet-vit-finetune": (9, runs(VIT_S16) | methods(VIT_S16, TABLE_8["vit_s16"], chosen=True))},
    "Table 14": {"cifar100-robustness": (15, TABLE_6)},
    "Table 15": {"imagenet-vit-s32-robustness": (18, TABLE_4)},
    "Table 16": {
        "iwslt-transformer": (
            9,
            runs(IWSLT | SEEDED)
            | runs(IWSLT | SEEDED, variant="sam", scope="all", rho=0.1)
            | runs(IWSLT | SEEDED, variant="sam", scope="only_norm", rho=1.0),
        ),
        "rho-iwslt-transformer": (
            6, runs(IWSLT, variant="sam", scope="only_norm", rho=(0.1, 0.5, 1.0, 2.5, 5.0, 10.0)),
        ),
    },
    "Table 17": {
        "cifar10-train-only-norm": (
            6,
            runs(dataset="cifar10", model=("resnet101_cifar", "wrn28_10"), trainable="only_norm")
            | runs(
                dataset="cifar10", model=("resnet101_cifar", "wrn28_10"), trainable="only_norm", variant="sam",
                scope="all", rho=(0.01, 0.05),
            ),
        ),
    },
    "Table 18": {
        "cifar100-sharpness": (15, TABLE_6),
        "cifar100-sharpness-resnext": (
            15,
            runs(SEEDED, model="resnext29_32x4d")
            | methods(SEEDED | {"model": "resnext29_32x4d"}, TABLE_7, 1, chosen=True, variants=ATTACKED),
        ),
    },
    "Table 19": {"cifar100-sharpness": (15, TABLE_6)},
    "Figure 1": {"rho-curves-cifar100": (267, FIGURE_6 | methods(SEEDED, NO_NORM["cifar100"], chosen=False))},
    "Figure 2": {"rho-curves-vit": (309, FIGURE_7 | methods(VIT_S4, NO_NORM["vit"], chosen=False))},
    "Figure 3": {
        "cifar100-runtime": (
            42,
            runs(FIGURE_3_BASE)
            | runs(FIGURE_3_BASE, variant="sam", scope="all", rho=0.1)
            | runs(FIGURE_3_BASE, variant="sam", scope=("only_norm", *BLOCKS), rho=1.0),
        ),
    },
    "Figure 4": {
        "cifar10-sparse": (36, FIGURE_4_LEFT),
        "cifar100-batch-and-m": (
            54,
            {
                run
                for size, m in BATCHES
                for scope, rho in (("all", 0.1), ("only_norm", 1.0))
                for run in runs(SAM, scope=scope, rho=rho, batch_size=size, m=m)
            },
        ),
    },
    "Figure 5": {
        "cifar100-weights-norm": (6, methods(SEEDED, TABLE_7, 1, chosen=True, variants=("sam",))),
    },
    "Figure 6": {"rho-curves-cifar100-on": (156, FIGURE_6)},
    "Figure 7": {"rho-curves-vit-on": (183, FIGURE_7)},
    "Figure 8": {
        "cifar10-ssam": (
            57, FIGURE_4_LEFT | runs(RESNET18, variant="sam", scope="ssam_d", sparsity=LEVELS, rho=0.1),
        ),
    },
    "Figure 9": {
        "cifar100-weights": (
            24,
            methods(
                SEEDED, TABLE_7, 1, chosen=True,
                variants=("elementwise_l2", "elementwise_linf", "layerwise_l2", "sam"),
            ),
        ),
    },
    "Figure 10": {
        "cifar100-frozen-norm": (
            30,
            runs(SEEDED, trainable=("all", "freeze_norm"))
            | runs(SAM, scope="all", trainable=("all", "freeze_norm"), rho=(0.05, 0.1, 0.25, 0.5)),
        ),
    },
    "Figure 11": {
        "cifar100-norm-dropout": (
            36,
            runs(SEEDED)
            | runs(SEEDED, norm_dropout=(0.05, 0.1, 0.2, 0.3, 0.5), norm_dropout_on=("parameters", "output"))
            | runs(SAM, scope="only_norm", rho=1.0),
        ),
        "cifar100-weight-decay": (
            27,
            runs(DECAYS)
            | runs(DECAYS, variant="sam", scope="all", rho=0.1)
            | runs(DECAYS, variant="sam", scope="only_norm", rho=1.0),
        ),
    },
}  # fmt: skip
"""The thirty rows: exhibit → sweep → how many trials, and which."""
