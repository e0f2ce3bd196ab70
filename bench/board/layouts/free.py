"""The free layout: any fields as rows and columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.board.layouts.base import Layout
from bench.errors import UserError
from bench.sweep.select import known_field
from bench.trial import NONE, Trial, short

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
        return cls.of_names(trials, _fields(trials, "--rows", rows), _fields(trials, "--cols", columns))

    @classmethod
    def of_names(cls, trials: Sequence[Trial], rows: tuple[str, ...], columns: tuple[str, ...]) -> FreeLayout:
        """The same by names that the trials have."""
        base = Layout.of(trials)
        layout = cls(**vars(base), rows=rows, columns=columns)
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


def _fields(trials: Sequence[Trial], option: str, text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(known_field(trials, option, name.strip()) for name in text.split(",")))


def _values(trial: Trial) -> dict[str, Any]:
    values = trial.as_written()
    settings: Mapping[str, Any] = values.pop("settings")
    return {**values, **settings}


def _label(trial: Trial, names: Sequence[str]) -> str:
    return " · ".join(short(trial.value(name)) for name in names)


def _mixed(place: tuple[str, str], mixed: Mapping[str, Sequence[str]]) -> str:
    told = "; ".join(f"{name} is {' and '.join(values)}" for name, values in mixed.items())
    # The method first: what else differs often follows from it.
    name = next((name for name in ("variant", "scope", "dataset", "model") if name in mixed), next(iter(mixed)))
    return (
        f"--rows and --cols: the cell {place[0]!r}, {place[1]!r} would mix different methods: {told}. "
        f"Add {name} to --rows or --cols, or choose one by --where {name}={mixed[name][0]}"
    )
