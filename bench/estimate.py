"""Estimate: how long the trials that are left will take, by what earlier trials took or by a probe of some steps.

A trial is measured by others of the store with the same data set, model, kind of step, batch and precision; its
time per epoch doesn't depend on ρ, seed or learning rate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

from bench.store import Readable, connect
from bench.trial import Trial

_KIND = ("dataset", "model", "image_size", "optimizer", "variant", "scope", "batch_size", "m", "augment", "precision")
Kind = tuple[object, ...]


def kind(trial: Trial) -> Kind:
    """What a trial's time per epoch depends on."""
    return tuple(getattr(trial, name) for name in _KIND)


@dataclass(frozen=True)
class Pace:
    """Time per epoch of one kind of trial."""

    seconds: float
    gpus: int
    """GPUs that it had."""


@dataclass
class Estimate:
    """Work that is left."""

    seconds: float = 0.0
    """Of trials one after another."""
    gpu_seconds: float = 0.0
    unknown: int = 0
    """Trials of a kind that nothing is known of."""

    @property
    def text(self) -> str:
        """For people."""
        parts = []
        if self.seconds:
            parts.append(f"about {timedelta(seconds=round(self.seconds))} of work left, one trial after another")
        if self.gpu_seconds:
            parts.append(f"{self.gpu_seconds / 3600:.1f} GPU-hours")
        if self.unknown:
            parts.append(f"{self.unknown} trials are of a kind not measured yet: --probe measures a few steps of each")
        return "; ".join(parts)


def measured(stores: Readable) -> dict[Kind, Pace]:
    """Median time per epoch of every kind of trial that the stores have a finished one of."""
    columns = ", ".join(_KIND)
    sql = f"""
        SELECT {columns}, median(train_s / (epochs - coalesce(first_epoch, 0))),
               max(CASE WHEN device_type = 'cuda' THEN world_size ELSE 0 END)
        FROM results WHERE outcome = 'done' AND train_s > 0 AND epochs > coalesce(first_epoch, 0)
        GROUP BY {columns}
    """
    with connect(stores, ["results"]) as connection:
        return {tuple(of): Pace(seconds, gpus) for *of, seconds, gpus in connection.execute(sql).fetchall()}


def estimate(left: Iterable[Trial], paces: dict[Kind, Pace], probe: Callable[[Trial], Pace] | None = None) -> Estimate:
    """Time of the trials that are left; `probe` measures the kinds that aren't known, once each."""
    total, known = Estimate(), dict(paces)
    for trial in left:
        if kind(trial) not in known and probe:
            known[kind(trial)] = probe(trial)
        pace = known.get(kind(trial))
        if pace is None:
            total.unknown += 1
            continue
        total.seconds += pace.seconds * trial.total_epochs
        total.gpu_seconds += pace.seconds * trial.total_epochs * pace.gpus
    return total
