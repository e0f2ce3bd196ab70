"""METRICS: what a board can show of a trial: its measures and its cost."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bench.errors import UserError, unknown
from bench.measures import MEASURES
from bench.measures.names import MeasureError, parse
from bench.registry import MeasureEntry
from bench.store import sql


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A number that a done trial has."""

    name: str
    unit: str = "%"
    lower_is_better: bool = False
    column: str
    """As SQL over the view `results`."""
    digits: int | None = None
    """Decimals of a mean and a std; None: those of the layout."""
    chooses_rho: bool = False
    """Whether ρ is chosen by it where there is no validation split: neither by what a trial cost, nor by sharpness."""

    @property
    def difference_unit(self) -> str:
        """What differences are in: those of percentages are points."""
        return "points" if self.unit == "%" else self.unit

    @property
    def label(self) -> str:
        """Title of an axis."""
        return f"{self.name.replace('_', ' ')} ({self.unit})"

    def gain(self, difference: float) -> float:
        """The difference, positive where it is for the better."""
        return -difference if self.lower_is_better else difference


_WHOLE = "CASE WHEN coalesce(first_epoch, 0) = 0 THEN {} END"
"""SQL: a cost that is recorded per attempt, and so says nothing about a trial that was resumed."""

COSTS = {
    "train_s": ("s", _WHOLE.format("train_s")),
    "wall_s": ("s", _WHOLE.format("wall_s")),
    "epoch_s": ("s", "train_s / nullif(epochs - coalesce(first_epoch, 0), 0)"),
    "peak_memory_gb": ("GB", "peak_memory_bytes / 1e9"),
    "peak_device_memory_gb": ("GB", "peak_device_memory_bytes / 1e9"),
}
"""Name → unit and column of what trials of every task have."""


def _of_measure(name: str, entry: MeasureEntry) -> Metric:
    return Metric(
        name=name,
        unit=entry.unit,
        column=sql.name(name),
        lower_is_better=entry.lower_is_better,
        digits=entry.digits,
        chooses_rho=not entry.later,
    )


METRICS: dict[str, Metric] = {
    **{name: _of_measure(name, entry) for name, entry in MEASURES.items()},
    **{
        name: Metric(name=name, unit=unit, column=column, lower_is_better=True)
        for name, (unit, column) in COSTS.items()
    },
}
"""Measures are in % and better where they are higher, unless their record says otherwise."""


def metric_of(name: str) -> Metric:
    """The metric of that name, which may have settings: `sharpness[rho=0.003]`; UserError with the valid choices."""
    if name in METRICS:
        return METRICS[name]
    try:
        measure = parse(name)
    except MeasureError:
        if "[" in name or MEASURES.is_path(name):
            raise
        raise UserError(unknown("measure", name, METRICS)) from None
    return replace(_of_measure(measure.measure, measure.entry), name=measure.name, column=sql.name(measure.name))
