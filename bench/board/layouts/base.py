"""Layout: which row, column and scope of the board a trial belongs to.

Rows are variants, with those of their settings and fields that vary. Columns are what the variants are compared on:
data set, model and base optimizer, and every other field that differs between trials of the same data set, model and
optimizer. `paper` and `free` arrange the same trials differently.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.trial import DEFAULTS, FIELDS, NONE, Trial, short

BASE_ROW = "base optimizer"
_ALWAYS = ("dataset", "model", "optimizer")
_OF_BASE = ("epochs",)
"""Fields in which a base optimizer may differ from the methods that it is compared with."""
_METHOD = frozenset({"variant", "scope", "rho", "seed", "settings"})
OF_PERTURBATION = frozenset({"perturb_from", "perturb_until", "ascent_dtype", "ascent_share"})
"""Fields that say how and when a method perturbs, and mean nothing to a base optimizer alone."""


@dataclass(frozen=True)
class Layout:
    """The varying fields of a set of trials, and those that all share."""

    column_fields: tuple[str, ...]
    row_settings: tuple[str, ...]
    shared: Mapping[str, Any]
    """Fields that are the same in all trials, and not what a trial has by default."""
    base_fields: tuple[str, ...] = ()
    """Fields that vary among trials of the base optimizer alone, and so stand in its rows."""
    method_fields: tuple[str, ...] = ()
    """Fields that vary and belong to the method, and so stand in rows, where they aren't at their default."""

    corner = "variant"
    """What the rows are, as title of their column."""
    digits = 1
    """Decimals of a mean and a std."""

    @classmethod
    def of(cls, trials: Sequence[Trial], rows: Sequence[str] = ()) -> Layout:
        """The layout of these trials; fields that a sweep calls `rows` of its board belong to the method too."""
        described = [trial.as_written() for trial in trials]
        names = [name for name in FIELDS if name not in _METHOD]
        same = {name for name in names if len({values[name] for values in described}) == 1}
        varying = [name for name in names if name not in {*same, *_ALWAYS} and varies_within(described, name)]
        base_fields = tuple(name for name in varying if name in _OF_BASE and not _varies_among_methods(described, name))
        method_fields = tuple(name for name in varying if name not in base_fields and name in {*OF_PERTURBATION, *rows})
        varying = [name for name in varying if name not in {*base_fields, *method_fields}]
        shared = {
            name: described[0][name] for name in names if name in same and described[0][name] != DEFAULTS.get(name)
        }
        return cls((*_ALWAYS, *varying), varying_settings(described), shared, base_fields, method_fields)

    def column(self, trial: Trial) -> str:
        """`resnet8 · sgd`, without what all columns share, followed by `field value` for whatever else varies."""
        told = [name for name in _ALWAYS if name == "model" or name not in self.shared]
        words = [str(getattr(trial, name)) for name in told]
        words += [f"{name} {short(getattr(trial, name))}" for name in self.column_fields[len(_ALWAYS) :]]
        return " · ".join(words)

    def row(self, trial: Trial) -> str:
        """The variant, with those of its settings that vary."""
        return self.with_settings(trial, trial.variant if trial.perturbs else self.base_label(trial, BASE_ROW))

    def scope(self, trial: Trial) -> str:
        """The third part of a cell's place; scopes stand side by side."""
        return trial.scope

    def scope_title(self, scope: str) -> str:
        """How the scope is printed."""
        return scope

    def key(self, trial: Trial) -> tuple[str, str, str]:
        """Row, column and scope of the trial's cell."""
        return self.row(trial), self.column(trial), self.scope(trial)

    def line(self, row: str, scope: str) -> str:
        """`sam / only_norm`: the label of a line that is a row at one scope."""
        return row if scope == NONE else f"{row} / {self.scope_title(scope)}"

    def rank(self, trial: Trial) -> tuple[int, ...]:
        """Trials of lower rank come first; of equal rank, in the order of the sweep."""
        return ()

    def parts(self, column: str) -> tuple[str, str]:
        """Block and title of a column: the columns of one block stand in a part of the table of their own."""
        return "", column

    def base_label(self, trial: Trial, label: str) -> str:
        """The label of a base optimizer, with what tells its rows apart."""
        return " · ".join([label, *(f"{name} {short(getattr(trial, name))}" for name in self.base_fields)])

    def with_settings(self, trial: Trial, label: str, leave_out: Collection[str] = ()) -> str:
        """The label, with those of the method's fields and settings that vary."""
        fields = {name: trial.value(name) for name in self.method_fields if not at_default(trial, name)}
        settings = {name: value for name, value in trial.settings if name in self.row_settings}
        told = {name: value for name, value in (fields | settings).items() if name not in leave_out}
        return " · ".join([label, *(f"{name} {short(value)}" for name, value in told.items())])


def at_default(trial: Trial, name: str) -> bool:
    """Whether a field has its default value."""
    return name in DEFAULTS and trial.written(name) == DEFAULTS[name]


def varies_within(described: Sequence[Mapping[str, Any]], name: str) -> bool:
    """Whether the field takes several values for one data set, model and optimizer."""
    seen: dict[tuple[Any, ...], Any] = {}
    for values in described:
        key = tuple(values[field] for field in _ALWAYS)
        if seen.setdefault(key, values[name]) != values[name]:
            return True
    return False


def _varies_among_methods(described: Sequence[Mapping[str, Any]], name: str) -> bool:
    """Whether methods, as far as there are any, differ in the field too."""
    methods = [values for values in described if values["variant"] != NONE]
    return not methods or varies_within(methods, name)


def varying_settings(described: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Settings that take several values for one data set, model, optimizer and method."""
    seen: dict[tuple[Any, ...], Any] = {}
    varying: dict[str, None] = {}
    for values in described:
        key = tuple(values[field] for field in (*_ALWAYS, "variant", "scope"))
        for name, value in values["settings"].items():
            if seen.setdefault((*key, name), value) != value:
                varying[name] = None
    return tuple(varying)
