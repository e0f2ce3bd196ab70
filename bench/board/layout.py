"""Layout: which row and column of the board a trial belongs to.

Rows are variants, columns are what the variants are compared on: data set, model and base optimizer, and every
other field that differs between trials of the same data set, model and optimizer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.trial import DEFAULTS, FIELDS, NONE, Trial

BASE_ROW = "base optimizer"
_ALWAYS = ("dataset", "model", "optimizer")
_METHOD = frozenset({"variant", "scope", "rho", "seed", "settings"})


@dataclass(frozen=True)
class Layout:
    """The varying fields of a set of trials, and those that all share."""

    column_fields: tuple[str, ...]
    row_settings: tuple[str, ...]
    shared: Mapping[str, Any]
    """Fields that are the same in all trials, and not what a trial has by default."""

    @classmethod
    def of(cls, trials: Sequence[Trial]) -> Layout:
        described = [_as_written(trial) for trial in trials]
        names = [name for name in FIELDS if name not in _METHOD]
        varying = [name for name in names if name not in _ALWAYS and _varies_within(described, name)]
        shared = {
            name: described[0][name]
            for name in names
            if len({values[name] for values in described}) == 1 and described[0][name] != DEFAULTS.get(name)
        }
        return cls((*_ALWAYS, *varying), _varying_settings(described), shared)

    def column(self, trial: Trial) -> str:
        """`resnet8 · sgd`, without what all columns share, then `field value` for what else varies."""
        told = [name for name in _ALWAYS if name == "model" or name not in self.shared]
        words = [str(getattr(trial, name)) for name in told]
        words += [f"{name} {_short(getattr(trial, name))}" for name in self.column_fields[len(_ALWAYS) :]]
        return " · ".join(words)

    def row(self, trial: Trial) -> str:
        """The variant, with those of its settings that vary."""
        if trial.variant == NONE:
            return BASE_ROW
        settings = dict(trial.settings)
        words = [f"{name} {_short(settings[name])}" for name in self.row_settings if name in settings]
        return " · ".join([trial.variant, *words])


def _as_written(trial: Trial) -> dict[str, Any]:
    """The fields, with those that follow from others as if they were left out."""
    follows = {"m": trial.batch_size, "perturb_until": trial.total_epochs}
    values = trial.as_dict()
    return values | {name: None for name, value in follows.items() if values[name] == value}


def _varies_within(described: Sequence[Mapping[str, Any]], name: str) -> bool:
    """Whether the field takes several values for one data set, model and optimizer."""
    seen: dict[tuple[Any, ...], Any] = {}
    for values in described:
        key = tuple(values[field] for field in _ALWAYS)
        if seen.setdefault(key, values[name]) != values[name]:
            return True
    return False


def _varying_settings(described: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Settings that take several values for one data set, model, optimizer and method."""
    seen: dict[tuple[Any, ...], Any] = {}
    varying: dict[str, None] = {}
    for values in described:
        key = tuple(values[field] for field in (*_ALWAYS, "variant", "scope"))
        for name, value in values["settings"].items():
            if seen.setdefault((*key, name), value) != value:
                varying[name] = None
    return tuple(varying)


def _short(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
