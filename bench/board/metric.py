"""METRICS: what a board can show of a trial: its measures, and what it cost."""

from __future__ import annotations

from dataclasses import dataclass

from bench.measures import MEASURES


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A number that a done trial has."""

    name: str
    unit: str = "%"
    lower_is_better: bool = False
    column: str
    """As SQL over the view `results`."""

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
"""For what the store has of the last attempt alone: a trial that was resumed has cost more than that."""

_COSTS = {
    "train_s": ("s", _WHOLE.format("train_s")),
    "wall_s": ("s", _WHOLE.format("wall_s")),
    "epoch_s": ("s", "train_s / nullif(epochs - coalesce(first_epoch, 0), 0)"),
    "peak_memory_gb": ("GB", "peak_memory_bytes / 1e9"),
    "peak_device_memory_gb": ("GB", "peak_device_memory_bytes / 1e9"),
}

METRICS: dict[str, Metric] = {
    **{
        name: Metric(name=name, column=f'"{name}"', lower_is_better=entry.traits.get("lower_is_better", False))
        for name, entry in MEASURES.items()
    },
    **{
        name: Metric(name=name, unit=unit, column=column, lower_is_better=True)
        for name, (unit, column) in _COSTS.items()
    },
}
"""Measures are in % and better where they are higher, unless their trait says otherwise."""
