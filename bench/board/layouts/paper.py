"""Paper layout: the paper's tables, with variants as rows, all beside ON for each model, augmentations as blocks.

Source: Müller et al. 2023 ("Normalization Layers Are All That Sharpness-Aware Minimization Needs").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.board.layouts.base import Layout
from bench.papers.sam_on.forms import FORMS, METHODS, NAMES, Form, paper_name
from bench.trial import NONE, Trial, short


@dataclass(frozen=True)
class PaperLayout(Layout):
    """A table in the paper's form; what varies beside what the form knows joins the heading of the block."""

    form: Form = field(default_factory=Form)
    table: str = ""
    """Key of FORMS."""

    digits = 2

    @classmethod
    def of_table(cls, table: str, trials: Sequence[Trial]) -> PaperLayout:
        """The layout of these trials in the form of `table`, a key of FORMS."""
        return cls(**vars(Layout.of(trials)), form=FORMS[table], table=table)

    @property
    def corner(self) -> str:  # type: ignore[override]
        return "scope" if self.form.lines_are_scopes else "method"

    def column(self, trial: Trial) -> str:
        """`basic · ResNet-56`: block and model."""
        block = " · ".join(self._block(trial))
        return f"{block}{_BETWEEN}{paper_name(trial.model)}" if block else paper_name(trial.model)

    def parts(self, column: str) -> tuple[str, str]:
        block, _, title = column.rpartition(_BETWEEN)
        return block, title

    def row(self, trial: Trial) -> str:
        label = METHODS.get(trial.variant, trial.variant) or self.base_label(trial, paper_name(trial.optimizer))
        if self.form.lines_are_scopes and trial.perturbs:
            return self.with_settings(trial, f"{label}, {_sparse(trial)}", leave_out=("sparsity",))
        rho = f" ρ {trial.rho:g}" if self.form.lines_have_rho and trial.rho is not None else ""
        return self.with_settings(trial, label + rho)

    def scope(self, trial: Trial) -> str:
        return NONE if self.form.lines_are_scopes else trial.scope

    def scope_title(self, scope: str) -> str:
        return paper_name(scope)

    def rank(self, trial: Trial) -> tuple[int, ...]:
        return (_place(trial.variant, list(METHODS)), _place(trial.scope, list(NAMES)))

    def _block(self, trial: Trial) -> list[str]:
        also = ("dataset", "optimizer", *self.column_fields[3:])
        fields = dict.fromkeys((*self.form.blocks, *(name for name in also if self._needed(name))))
        return [
            paper_name(trial.dataset) if name == "dataset" else _worded(name, getattr(trial, name)) for name in fields
        ]

    def _needed(self, name: str) -> bool:
        """Whether trials of the sweep differ in the field."""
        return name not in self.shared


_BETWEEN = " | "


def _worded(name: str, value: object) -> str:
    """A word speaks for itself, a number needs the name of its field."""
    return paper_name(value) if isinstance(value, str) else f"{name} {short(value)}"


def _sparse(trial: Trial) -> str:
    sparsity = dict(trial.settings).get("sparsity")
    if sparsity is None:
        return paper_name(trial.scope)
    told = (
        f"sparsity {100 * sparsity:g} %" if isinstance(sparsity, float) else f"sparsity of {paper_name(str(sparsity))}"
    )
    return f"{paper_name(trial.scope)}, {told}"


def _place(name: str, order: list[str]) -> int:
    return order.index(name) if name in order else len(order)
