"""The layouts of the paper's own tables: variants as lines, all beside ON for each model, augmentations as blocks.

Source: Müller et al. 2023 ("Normalization Layers Are All That Sharpness-Aware Minimization Needs").
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.board.layout import Layout, short
from bench.trial import NONE, Trial


@dataclass(frozen=True)
class Form:
    """How one of the paper's tables is arranged."""

    blocks: tuple[str, ...] = ()
    """Fields whose values divide the table into blocks of lines."""
    lines_are_scopes: bool = False
    """Whether a line is a scope with its sparsity, rather than a variant with its scopes side by side."""
    lines_have_rho: bool = False
    """Whether each ρ has a line of its own, rather than the best being chosen."""


_BY_AUGMENT, _BY_DATASET, _BY_OPTIMIZER = Form(("augment",)), Form(("dataset",)), Form(("optimizer",))

FORMS: dict[str, Form] = {
    "table1": _BY_AUGMENT,
    "table2": Form(),
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


@dataclass(frozen=True)
class PaperLayout(Layout):
    """A table in the paper's form; what varies beside what the form knows joins the heading of the block."""

    form: Form = field(default_factory=Form)

    digits = 2

    @classmethod
    def of_table(cls, table: str, trials: Sequence[Trial]) -> PaperLayout:
        """The layout of these trials in the form of `table`, a key of FORMS."""
        base = Layout.of(trials)
        return cls(base.column_fields, base.row_settings, base.shared, FORMS[table])

    @property
    def corner(self) -> str:  # type: ignore[override]
        return "scope" if self.form.lines_are_scopes else "method"

    def column(self, trial: Trial) -> str:
        """`basic · ResNet-56`: block and model."""
        block = " · ".join(self._block(trial))
        return f"{block}{_BETWEEN}{_named(trial.model)}" if block else _named(trial.model)

    def parts(self, column: str) -> tuple[str, str]:
        block, _, title = column.rpartition(_BETWEEN)
        return block, title

    def row(self, trial: Trial) -> str:
        label = METHODS.get(trial.variant, trial.variant) or _named(trial.optimizer)
        if self.form.lines_are_scopes and trial.perturbs:
            return self.with_settings(trial, f"{label}, {_sparse(trial)}", leave_out="sparsity")
        rho = f" ρ {trial.rho:g}" if self.form.lines_have_rho and trial.rho is not None else ""
        return self.with_settings(trial, label + rho)

    def scope(self, trial: Trial) -> str:
        return NONE if self.form.lines_are_scopes else trial.scope

    def scope_title(self, scope: str) -> str:
        return _named(scope)

    def rank(self, trial: Trial) -> tuple[int, ...]:
        return (_place(trial.variant, list(METHODS)), _place(trial.scope, list(NAMES)))

    def _block(self, trial: Trial) -> list[str]:
        also = ("dataset", "optimizer", *self.column_fields[3:])
        fields = dict.fromkeys((*self.form.blocks, *(name for name in also if self._needed(name))))
        return [_named(trial.dataset) if name == "dataset" else _worded(name, getattr(trial, name)) for name in fields]

    def _needed(self, name: str) -> bool:
        """Whether trials of the sweep differ in the field."""
        return name not in self.shared


_BETWEEN = " | "


def _named(name: str) -> str:
    return NAMES.get(name, name)


def _worded(name: str, value: object) -> str:
    """A word speaks for itself, a number needs the name of its field."""
    return _named(value) if isinstance(value, str) else f"{name} {short(value)}"


def _sparse(trial: Trial) -> str:
    sparsity = dict(trial.settings).get("sparsity")
    if sparsity is None:
        return _named(trial.scope)
    told = f"sparsity {100 * sparsity:g} %" if isinstance(sparsity, float) else f"sparsity of {_named(str(sparsity))}"
    return f"{_named(trial.scope)}, {told}"


def _place(name: str, order: list[str]) -> int:
    return order.index(name) if name in order else len(order)
