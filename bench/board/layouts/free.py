"""The free layout: any fields as lines and as columns, and trials selected by the values of fields."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.board.layouts.base import Layout
from bench.errors import UserError
from bench.sweep import Sweep
from bench.sweep.file.fault import unknown
from bench.trial import FIELDS, NONE, Trial, as_written, short

_WITHIN = frozenset({"rho", "seed"})
"""What the trials of one cell may differ in: seeds are averaged over, of several ρ one is chosen."""


@dataclass(frozen=True)
class FreeLayout(Layout):
    """Lines and columns by the values of fields or settings."""

    rows: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()

    @classmethod
    def of_fields(cls, trials: Sequence[Trial], rows: str, columns: str) -> FreeLayout:
        """The layout of `--rows FIELD[,FIELD] --cols FIELD[,FIELD]`; UserError for unknown and for left out fields."""
        base = Layout.of(trials)
        fields = [_fields(trials, option, text) for option, text in (("--rows", rows), ("--cols", columns))]
        layout = cls(base.column_fields, base.row_settings, base.shared, *fields)
        layout.check(trials)
        return layout

    @property
    def corner(self) -> str:  # type: ignore[override]
        return " · ".join(self.rows)

    def column(self, trial: Trial) -> str:
        return _label(trial, self.columns)

    def row(self, trial: Trial) -> str:
        return _label(trial, self.rows)

    def scope(self, trial: Trial) -> str:
        return NONE

    def check(self, trials: Sequence[Trial]) -> None:
        """UserError if trials of one cell differ in more than ρ and seed: their mean would mean nothing."""
        cells: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for trial in trials:
            cells.setdefault((self.row(trial), self.column(trial)), []).append(_values(trial))
        for place, found in cells.items():
            names = dict.fromkeys(name for values in found for name in values if name not in _WITHIN)
            differing = {name: list(dict.fromkeys(short(values.get(name)) for values in found)) for name in names}
            if mixed := {name: values for name, values in differing.items() if len(values) > 1}:
                raise UserError(_mixed(place, mixed))


def where(sweep: Sweep, conditions: Sequence[str]) -> Sweep:
    """The sweep's trials that satisfy `FIELD=VALUE`; conditions on one field are alternatives."""
    wanted: dict[str, set[str]] = {}
    for condition in conditions:
        name, equals, value = condition.partition("=")
        if not equals or not name:
            raise UserError(f"--where {condition}: write FIELD=VALUE, such as --where scope=all")
        wanted.setdefault(_field(sweep.trials, "--where", name), set()).add(_value(sweep.trials, name, value))
    if not wanted:
        return sweep
    kept = [trial for trial in sweep.trials if all(_text(trial, name) in wanted[name] for name in wanted)]
    if not kept:
        raise UserError(f"--where {' --where '.join(conditions)}: no trial of {sweep.name} has all of these values")
    return dataclasses.replace(sweep, trials=tuple(kept))


def _fields(trials: Sequence[Trial], option: str, text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_field(trials, option, name.strip()) for name in text.split(",")))


def _field(trials: Sequence[Trial], option: str, name: str) -> str:
    settings = dict.fromkeys(name for trial in trials for name, _ in trial.settings)
    valid = [*(field for field in FIELDS if field != "settings"), *settings]
    if name not in valid:
        raise UserError(f"{option}: {unknown('field', name, valid)}")
    return name


def _value(trials: Sequence[Trial], name: str, value: str) -> str:
    valid = list(dict.fromkeys(_text(trial, name) for trial in trials))
    number = value if value in valid else _as_number(value)
    if number not in valid:
        raise UserError(f"--where {name}={value}: {unknown('value', value, valid)}")
    return number


def _as_number(text: str) -> str:
    """`1e-1` and `0.10` are written as trials are, `0.1`; words stay."""
    try:
        return short(float(text))
    except ValueError:
        return text


def _values(trial: Trial) -> dict[str, Any]:
    values = as_written(trial)
    settings: Mapping[str, Any] = values.pop("settings")
    return {**values, **settings}


def _text(trial: Trial, name: str) -> str:
    return short({**trial.as_dict(), **dict(trial.settings)}.get(name))


def _label(trial: Trial, names: Sequence[str]) -> str:
    return " · ".join(_text(trial, name) for name in names)


def _mixed(place: tuple[str, str], mixed: Mapping[str, Sequence[str]]) -> str:
    told = "; ".join(f"{name} is {' and '.join(values)}" for name, values in mixed.items())
    # The method first: what else differs often follows from it.
    name = next((name for name in ("variant", "scope", "dataset", "model") if name in mixed), next(iter(mixed)))
    return (
        f"--rows and --cols: the cell {place[0]!r}, {place[1]!r} would mix different methods: {told}. "
        f"Add {name} to --rows or --cols, or choose one by --where {name}={mixed[name][0]}"
    )
