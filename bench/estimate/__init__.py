"""Estimate: how long trials will take, from earlier trials, a probe of a few steps, or a rule of thumb.

A trial is measured by others of the store that agree with it in all that costs time; its time per epoch doesn't depend
on ρ, seed or learning rate. `bench.estimate.rule` has the rule, for trials that nothing was measured of yet.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bench.errors import counted
from bench.estimate.rule import HARDWARE, gpu_seconds
from bench.sam import VARIANTS
from bench.sam.cost import passes_per_step, passes_with
from bench.store import Readable, connect
from bench.store.read.query import as_list
from bench.store.read.snapshot import is_empty
from bench.trial import Trial

__all__ = ["HARDWARE", "SUBJECT", "Estimate", "Kind", "Pace", "estimate", "gpu_seconds", "kind", "measured"]

SUBJECT = (
    "dataset", "model", "image_size", "optimizer", "batch_size", "m", "augment", "precision", "tf32", "channels_last",
    "compile", "trainable",
)  # fmt: skip
"""What a step's time depends on, beside its method and the machine."""
_KIND = (*SUBJECT, "variant", "scope", "ascent_dtype", "ascent_share")
_SPAN = ("perturb_from", "perturb_until", "epochs", "cooldown_epochs")
"""What says how many of the epochs are perturbed."""
_SETTINGS = sorted({name for entry in VARIANTS.values() if callable(entry.passes) for name in entry.settings})
"""Settings that say how often a variant takes which passes, such as LookSAM's `every`."""
Kind = tuple[object, ...]


def kind(trial: Trial) -> Kind:
    """What a trial's time per epoch depends on: fields, and how many passes its steps take."""
    return (*(getattr(trial, name) for name in _KIND), passes_per_step(trial))


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
    """Trials of a kind that was never measured."""
    rule_seconds: float = 0.0
    """GPU-seconds of those by the rule, as far as it knows their model and data."""

    @property
    def text(self) -> str:
        """For people."""
        parts = []
        if self.seconds:
            parts.append(f"about {timedelta(seconds=round(self.seconds))} of work left, one trial after another")
        if self.gpu_seconds:
            parts.append(f"{self.gpu_seconds / 3600:.1f} GPU-hours, as measured")
        if self.unknown:
            unknown = counted(self.unknown, "trial", "is", "are")
            ruled = self.rule_seconds / 3600
            told = f", estimated at {ruled:,.{0 if ruled >= 10 else 1}f} GPU-hours of an A100" if ruled >= 0.1 else ""
            parts.append(f"{unknown} of a kind not timed yet{told}: --probe times a few steps")
        return "; ".join(parts)


def measured(stores: Readable, *, on_gpus: bool = False) -> dict[Kind, Pace]:
    """Median time per epoch of every kind of trial that the stores have a finished one of.

    Of those that ran on a CPU and on different numbers of GPUs, the latest such place counts alone: their times have no
    common median. `on_gpus`: a CPU is none.
    """
    if all(map(is_empty, as_list(stores))):
        return {}
    with connect(stores, ["results"]) as connection:
        there = {name for name, *_ in connection.execute("DESCRIBE results").fetchall()}
        columns = [*_KIND, *_SPAN, *(name for name in _SETTINGS if name in there)]
        sql = f"""
            SELECT {", ".join(columns)},
                   CASE WHEN device_type = 'cuda' THEN world_size ELSE 0 END AS gpus,
                   list(train_s / (epochs + cooldown_epochs - coalesce(first_epoch, 0))),
                   max(started) AS latest
            FROM results
            WHERE outcome = 'done' AND train_s > 0 AND epochs + cooldown_epochs > coalesce(first_epoch, 0)
                {"AND device_type = 'cuda'" if on_gpus else ""}
            GROUP BY {", ".join(columns)}, gpus
            ORDER BY latest NULLS FIRST
        """
        rows = connection.execute(sql).fetchall()
    seconds = defaultdict[tuple[Kind, int], list[float]](list)
    latest: dict[Kind, int] = {}
    for *values, gpus, each, _ in rows:
        of = _kind_of(dict(zip(columns, values, strict=True)))
        seconds[of, gpus] += each
        latest[of] = gpus
    return {of: Pace(statistics.median(seconds[of, gpus]), gpus) for of, gpus in latest.items()}


def _kind_of(row: Mapping[str, Any]) -> Kind:
    """See `kind`: of a row of results."""
    settings = {name: row[name] for name in _SETTINGS if row.get(name) is not None}
    passes = passes_with(
        row["variant"],
        settings,
        ascent_share=row["ascent_share"],
        perturb_from=row["perturb_from"],
        perturb_until=row["perturb_until"],
        total_epochs=row["epochs"] + row["cooldown_epochs"],
    )
    return (*(row[name] for name in _KIND), passes)


def estimate(left: Iterable[Trial], paces: dict[Kind, Pace], probe: Callable[[Trial], Pace] | None = None) -> Estimate:
    """Time of the trials that are left; `probe` measures the kinds that aren't known, once each."""
    total, known = Estimate(), dict(paces)
    for trial in left:
        if kind(trial) not in known and probe:
            known[kind(trial)] = probe(trial)
        pace = known.get(kind(trial))
        if pace is None:
            total.unknown += 1
            total.rule_seconds += gpu_seconds(trial) or 0.0
            continue
        total.seconds += pace.seconds * trial.total_epochs
        total.gpu_seconds += pace.seconds * trial.total_epochs * pace.gpus
    return total
