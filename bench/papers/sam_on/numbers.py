"""The paper's numbers, and which of them a trial is about.

Source: Müller et al. 2023 ("Normalization Layers Are All That Sharpness-Aware Minimization Needs"): every cell of
its tables, in `numbers.csv`. A cell with an empty mean is lost in the text that they were read from; a note
says what else is unsure about one. The paper's runs have 3 seeds.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, lru_cache
from importlib.resources import files

from bench.measures.names import parse
from bench.papers.sam_on.forms import FORMS
from bench.trial import NONE, Trial

SEEDS = 3
"""Runs behind each mean of the paper."""

_DATASETS = {
    "CIFAR-10": "cifar10",
    "CIFAR-100": "cifar100",
    "ImageNet-1k": "imagenet",
    "IWSLT'14 DE-EN": "iwslt14_de_en",
}
_MODELS = {
    "ResNet-56": "resnet56", "ResNeXt-29-32x4d": "resnext29_32x4d", "WRN-28-10": "wrn28_10",
    "VGG-13-BN": "vgg13_bn", "VGG-16-BN": "vgg16_bn", "VGG-19-BN": "vgg19_bn", "DenseNet-100": "densenet100",
    "ViT-T/4": "vit_t4", "ViT-S/4": "vit_s4", "ViT-S/32": "vit_s32", "ViT-S-224 finetuned from IN-21k": "vit_s16",
    "ResNet-50": "resnet50", "ResNet-101": "resnet101_cifar", "Transformer (setup of ASAM paper)": "transformer_iwslt",
}  # fmt: skip
_AUGMENTS = {
    "basic": "basic", "basic+AA": "basic+aa", "inception-style": "inception",
    "not stated (basic believed)": "basic", "not stated": "basic", "": "none",
}  # fmt: skip
_VARIANTS = {
    "SGD": NONE, "AdamW": NONE, "Lion": NONE, "Adam (vanilla)": NONE,
    "SAM": "sam", "ESAM": "esam", "GSAM": "gsam", "fisher": "fisher",
    "el_l2": "elementwise_l2", "el_l2_orig": "elementwise_l2_orig", "el_linf": "elementwise_linf",
    "layer_l2": "layerwise_l2",
}  # fmt: skip
_OPTIMIZERS = {"vanilla optimizer (Adam believed)": "adamw"}
"""fairseq's Adam, whose weight decay is decoupled."""
_SCOPES = {
    "none": NONE, "all": "all", "ON": "only_norm", "train_only_BN": "all",
    "random_mask": "random", "SSAM-F": "ssam_f", "SSAM-D": "ssam_d",
}  # fmt: skip
_ONLY_NORM_SPARSITY = 0.9995
"""Share of WRN-28-10 that only_norm leaves unperturbed (Table 5): what `sparsity: only_norm` stands for."""
_MASKED = frozenset({"random", "ssam_f", "ssam_d"})
_PLAIN = re.compile(r"sparsity [\d.]+%|best \(underlined\)")
"""Notes that tell which cell it is, and no doubt."""


@dataclass(frozen=True)
class Subject:
    """What a number is about: the same for a cell of the paper and the trials that reproduce it."""

    dataset: str
    model: str
    augment: str
    optimizer: str
    variant: str
    scope: str
    finetuned: bool = False
    trainable: str = "all"
    rho: float | None = None
    """Told apart only where the paper reports several (Table 17)."""
    sparsity: float | None = None
    """Of scopes by mask."""

    @classmethod
    def of(cls, trial: Trial) -> Subject:
        only_norm = trial.trainable == "only_norm"
        sparsity = dict(trial.settings).get("sparsity") if trial.scope in _MASKED else None
        return cls(
            dataset=trial.dataset,
            model=trial.model,
            augment=trial.augment,
            optimizer=trial.optimizer,
            variant=trial.variant,
            # Where nothing else is trained, both scopes perturb the same tensors.
            scope="all" if only_norm and trial.scope == "only_norm" else trial.scope,
            finetuned=bool(trial.init_from),
            trainable=trial.trainable,
            rho=trial.rho if only_norm else None,
            sparsity=_ONLY_NORM_SPARSITY if sparsity == "only_norm" else _as_float(sparsity),
        )


@dataclass(frozen=True)
class PaperCell:
    """One number of the paper that trials can be about."""

    table: str
    """As in a sweep's `paper:`, such as `table1`."""
    measure: str
    subject: Subject
    mean: float | None
    """None where it is lost in the text."""
    std: float | None
    """None where the paper gives none."""
    unit: float
    """One in the last digit of the std as it is printed."""
    text: str
    """As it is printed."""
    note: str
    """What is unsure about it; empty where nothing is."""


@dataclass(frozen=True)
class Numbers:
    """All of the paper's cells: those that trials can be about, and the others with the reason."""

    cells: tuple[PaperCell, ...]
    unmapped: tuple[tuple[str, str], ...]
    """(`table · metric`, why no trial is about it)."""

    def find(self, trial: Trial, measure: str, table: str | None = None) -> PaperCell | None:
        """The cell that the trial is about: that of `table` if it has one, else the first that isn't lost."""
        found = self._by_subject.get((Subject.of(trial), measure), [])
        own = [cell for cell in found if cell.table == table]
        kept = [cell for cell in found if cell.mean is not None]
        return next(iter([*own, *kept, *found]), None)

    def cited(self, table: str, measure: str) -> list[PaperCell]:
        """Cells of a table that the paper takes from other papers."""
        own = (cell for cell in self.cells if (cell.table, cell.measure) == (table, measure))
        return [cell for cell in own if cell.subject.variant in FORMS[table].cited]

    @cached_property
    def _by_subject(self) -> dict[tuple[Subject, str], list[PaperCell]]:
        found: dict[tuple[Subject, str], list[PaperCell]] = {}
        for cell in self.cells:
            found.setdefault((cell.subject, cell.measure), []).append(cell)
        return found


@lru_cache
def numbers() -> Numbers:
    """The package's copy of the paper's numbers."""
    text = files("bench.papers.sam_on").joinpath("numbers.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    reasons = [(row, _unmapped(row)) for row in rows]
    return Numbers(
        tuple(_cell(row) for row, reason in reasons if not reason),
        tuple((f"table{row['table']} · {row['metric']}", reason) for row, reason in reasons if reason),
    )


def _unmapped(row: Mapping[str, str]) -> str:
    """Why no trial can be about the cell; empty if one can."""
    known = {"dataset": _DATASETS, "model": _MODELS, "augmentation": _AUGMENTS, "variant": _VARIANTS, "scope": _SCOPES}
    for column, names in known.items():
        if row[column] not in names:
            return f"no {column} {row[column]!r} here"
    return "" if measure_of(row["metric"]) else f"no measure here is {row['metric']}"


def _cell(row: Mapping[str, str]) -> PaperCell:
    rho, sparsity = re.search(r"rho=([\d.]+)", row["note"]), re.search(r"sparsity ([\d.]+)%", row["note"])
    scope = _SCOPES[row["scope"]]
    unstated = "augmentation not stated in text" if row["augmentation"] == "not stated" else ""
    subject = Subject(
        dataset=_DATASETS[row["dataset"]],
        model=_MODELS[row["model"]],
        augment=_AUGMENTS[row["augmentation"]],
        optimizer=_OPTIMIZERS.get(row["base_optimizer"], row["base_optimizer"].lower()),
        variant=_VARIANTS[row["variant"]],
        scope=scope if _VARIANTS[row["variant"]] != NONE else NONE,
        finetuned="finetuned" in row["model"],
        trainable="only_norm" if row["scope"] == "train_only_BN" else "all",
        rho=float(rho[1]) if rho else None,
        sparsity=round(float(sparsity[1]) / 100, 6) if sparsity and scope in _MASKED else None,
    )
    std = row["std"]
    measure = measure_of(row["metric"])
    assert measure is not None, "told apart by `_unmapped`"
    return PaperCell(
        table=f"table{row['table']}",
        measure=measure,
        subject=subject,
        mean=float(row["mean"]) if row["mean"] else None,
        std=float(std) if std else None,
        unit=float(Decimal(1).scaleb(int(Decimal(std).as_tuple().exponent))) if std else 0.0,
        text=(f"{row['mean']} ± {std}" if std else row["mean"]) or "lost",
        note="; ".join(part for part in (row["note"], unstated) if part and not _PLAIN.fullmatch(part)),
    )


def _as_float(value: object) -> float | None:
    return round(float(value), 6) if isinstance(value, int | float) else None


_NAMED = {
    "test_acc_%": "test_accuracy", "ImageNet_top1_%": "test_accuracy", "clean_acc_%": "test_accuracy",
    "ImageNetV2_top1_%": "imagenet_v2_accuracy", "ImageNet-R_top1_%": "imagenet_r_accuracy",
    "ImageNet-A_top1_%": "imagenet_a_accuracy", "ImageNet-Sketch_top1_%": "imagenet_sketch_accuracy",
    "ObjectNet_top1_%": "objectnet_accuracy", "feature_rank": "feature_rank",
    "BLEU": "bleu",
}  # fmt: skip
_FORMS = (
    (r"sharp_logitnorm_adaptive_(linf|l2)_20step_rho(.+)", "sharpness[norm={0},rho={1}]"),
    # The authors' code takes 0.75 of its first step, and their numbers come from it.
    (r"sharp_logitnorm_adaptive_(linf|l2)_1step_rho(.+)", "sharpness[norm={0},rho={1},steps=1,first_step=0.75]"),
    (r"sharp_(linf|l2)_worst_adaptive_rho(.+)", "sharpness[norm={0},rho={1},normalize_logits=false]"),
    (r"sharp_(linf|l2)_worst_nonadaptive_rho(.+)", "sharpness[norm={0},rho={1},normalize_logits=false,adaptive=false]"),
    (r"sharp_(linf|l2)_avg_adaptive_rho(.+)", "average_sharpness[norm={0},rho={1}]"),
    (r"sharp_(linf|l2)_avg_nonadaptive_rho(.+)", "average_sharpness[norm={0},rho={1},adaptive=false]"),
    (r"robust_acc_(linf|l2)_(.+)_%", "robust_accuracy[norm={0},eps={1}]"),
)
"""Table 6's and 18's sharpness, Table 19's without logit normalization, and the robustness of Tables 4, 14 and 15."""


def measure_of(metric: str) -> str | None:
    """The name of the measure, None if no measure here is the metric."""
    if metric in _NAMED:
        return _NAMED[metric]
    for form, name in _FORMS:
        if found := re.fullmatch(form, metric):
            return parse(name.format(*found.groups())).name
    return None
