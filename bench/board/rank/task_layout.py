"""Task layout: methods as rows, and whatever else differs between trials as tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.board.layouts.base import BASE_ROW, OF_PERTURBATION, Layout, at_default
from bench.sweep.select import known_field
from bench.trial import NONE, Trial, short

METHOD: tuple[str, ...] = ("variant", "scope")
"""Fields of a method by default."""
_WITHIN = ("rho", "seed")
"""No fields of methods: seeds are averaged over, and of several ρ one is chosen."""


@dataclass(frozen=True)
class TaskLayout(Layout):
    """A method is some fields of a trial, a task all others in which trials differ."""

    method: tuple[str, ...] = METHOD
    task: tuple[str, ...] = ("dataset", "model")

    @classmethod
    def of_methods(cls, trials: Sequence[Trial], fields: str | None) -> TaskLayout:
        """The layout of `--methods FIELD[,FIELD]`; UserError for fields that no trial has."""
        base = Layout.of(trials)
        method = METHOD
        if fields is not None:
            names = (known_field(trials, "--methods", name.strip()) for name in fields.split(","))
            method = tuple(name for name in dict.fromkeys(names) if name not in _WITHIN)
        differing = [name for name in (*METHOD, *base.row_settings) if len({_told(t, name) for t in trials}) > 1]
        if "variant" in method:
            # Settings of a variant, and when and how it perturbs, are the method's: they mean nothing without it.
            method = tuple(dict.fromkeys((*method, *base.method_fields, *base.row_settings)))
        always = [name for name in ("dataset", "model", "optimizer") if name not in base.shared or name == "model"]
        task = dict.fromkeys((*always, *base.column_fields[3:], *differing))
        return cls(**vars(base), method=method, task=tuple(name for name in task if name not in method))

    @property
    def corner(self) -> str:  # type: ignore[override]
        return "method"

    def row(self, trial: Trial) -> str:
        """`sam · only_norm`; a base optimizer alone has no variant and no scope."""
        if trial.perturbs:
            return " · ".join(word for name in self.method if (word := _worded(trial, name)))
        words = [] if "optimizer" in self.method else [BASE_ROW]
        words += [word for name in self.method if name not in METHOD and (word := _worded(trial, name))]
        return self.base_label(trial, " · ".join(words))

    def column(self, trial: Trial) -> str:
        return " · ".join(word for name in self.task if (word := _worded(trial, name))) or trial.dataset

    def scope(self, trial: Trial) -> str:
        return NONE


def _told(trial: Trial, name: str) -> str:
    value = trial.value(name)
    return "" if value is None else short(value)


def _worded(trial: Trial, name: str) -> str:
    """A word speaks for itself, a number needs the name of its field; how it perturbs is told where that is unusual."""
    told = "" if name in OF_PERTURBATION and at_default(trial, name) else _told(trial, name)
    return told if isinstance(trial.value(name), str) or not told else f"{name} {told}"
