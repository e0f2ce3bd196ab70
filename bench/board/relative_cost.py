"""Relative cost: a method's training relative to its base optimizer's, in passes and in measured time.

Both are for the whole training, so that the base optimizer with twice the epochs costs twice as much. The unit is the
base optimizer's shortest training in the sweep or, without any, one of as many epochs as the method's own. Times are
compared between runs that train the same model on the same data and kind of device, each in a single attempt.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

from bench.board.cells import Key
from bench.estimate import SUBJECT
from bench.sam.cost import passes_per_step
from bench.store import Readable, connect
from bench.trial import DEFAULTS, NONE, Trial

if TYPE_CHECKING:
    from bench.board.board import Board

HARDWARE = ("device_type", "device", "world_size", "threads")
"""Columns of an attempt that times are compared within."""


@dataclass(frozen=True)
class Cost:
    """The cost of a cell: means over the seeds that it shows; None where unknown."""

    passes: float | None
    time: float | None


@dataclass(frozen=True)
class Timing:
    """How fast one run was."""

    passes: float | None
    """Per step, as counted."""
    seconds: float | None
    """Per image, of training alone."""
    hardware: tuple[Any, ...]


def costs_of(stores: Readable, board: Board, trials: Sequence[Trial]) -> dict[Key, Cost]:
    """The cost of every cell that shows a result."""
    timings = _timings(stores, {trial.trial_id for trial in trials})
    bases = _Bases(stores, trials, timings)
    found: dict[Key, list[Cost]] = defaultdict(list)
    for trial in trials:
        key = board.layout.key(trial)
        chosen = board.cells[key].chosen
        if trial.rho == chosen.rho and trial.seed in chosen.values and trial.trial_id in timings:
            found[key].append(bases.cost(trial, timings[trial.trial_id]))
    return {
        key: Cost(_mean(each.passes for each in costs), _mean(each.time for each in costs))
        for key, costs in found.items()
    }


class _Bases:
    """Runs of base optimizers: of the sweep, or where it has none, of the stores."""

    def __init__(self, stores: Readable, trials: Sequence[Trial], timings: Mapping[str, Timing]) -> None:
        alone = [trial for trial in trials if not trial.perturbs]
        self._epochs: dict[tuple[Any, ...], int] = {}
        for trial in alone:
            subject = _subject(trial)
            self._epochs[subject] = min(trial.total_epochs, self._epochs.get(subject, trial.total_epochs))
        shortest = [trial for trial in alone if trial.total_epochs == self._epochs[_subject(trial)]]
        self._seconds = _by_place({trial.trial_id: _subject(trial) for trial in shortest}, timings)
        places = {(_subject(trial), timings[trial.trial_id].hardware) for trial in trials if trial.trial_id in timings}
        if missing := {subject for subject, hardware in places if (subject, hardware) not in self._seconds}:
            others = _base_runs(stores, missing)
            self._seconds = _by_place(others, _timings(stores, others.keys())) | self._seconds

    def cost(self, trial: Trial, timing: Timing) -> Cost:
        subject = _subject(trial)
        length = trial.total_epochs / self._epochs.get(subject, trial.total_epochs)
        base = self._seconds.get((subject, timing.hardware))
        passes = passes_per_step(trial) if timing.passes is None else timing.passes
        time = timing.seconds / base * length if timing.seconds and base else None
        return Cost(None if passes is None else passes * length, time)


def _subject(trial: Trial) -> tuple[Any, ...]:
    return tuple(getattr(trial, name) for name in SUBJECT)


_Place = tuple[tuple[Any, ...], tuple[Any, ...]]
"""What is trained, and on what."""


def _by_place(subjects: Mapping[str, tuple[Any, ...]], timings: Mapping[str, Timing]) -> dict[_Place, float]:
    """Mean seconds per image."""
    found: dict[_Place, list[float]] = defaultdict(list)
    for trial_id, subject in subjects.items():
        timing = timings.get(trial_id)
        if timing is not None and timing.seconds:
            found[subject, timing.hardware].append(timing.seconds)
    return {place: fmean(seconds) for place, seconds in found.items()}


def _timings(stores: Readable, ids: Collection[str]) -> dict[str, Timing]:
    """Of the done ones among these trials."""
    if not ids:
        return {}
    select = f"""
        SELECT trial_id, passes / nullif(steps, 0), CASE WHEN coalesce(first_epoch, 0) = 0 THEN seconds END,
               {", ".join(HARDWARE)}
        FROM results SEMI JOIN (SELECT unnest($ids) AS trial_id) USING (trial_id)
        LEFT JOIN (SELECT trial_id, avg(1 / images_per_s) AS seconds FROM history GROUP BY trial_id) USING (trial_id)
        WHERE outcome = 'done'"""
    with connect(stores, ["results", "history"], only=ids) as connection:
        rows = connection.execute(select, {"ids": [*ids]}).fetchall()
    return {trial_id: Timing(passes, seconds, tuple(hardware)) for trial_id, passes, seconds, *hardware in rows}


def _base_runs(stores: Readable, subjects: Collection[tuple[Any, ...]]) -> dict[str, tuple[Any, ...]]:
    """Done trial of a base optimizer alone → what it trains, for the subjects that are asked for."""
    select = f"SELECT trial_id, {', '.join(SUBJECT)} FROM results WHERE outcome = 'done' AND variant = $none"
    with connect(stores, ["results"]) as connection:
        rows = connection.execute(select, {"none": NONE}).fetchall()
    # A field that is younger than the record had its default.
    found = {
        trial_id: tuple(
            DEFAULTS.get(name) if value is None else value for name, value in zip(SUBJECT, row, strict=True)
        )
        for trial_id, *row in rows
    }
    return {trial_id: subject for trial_id, subject in found.items() if subject in subjects}


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def cost_notes(costs: Mapping[Key, Cost]) -> list[str]:
    """What the columns mean, and why a time is missing."""
    lines = [
        "Passes and time are for the whole training, relative to the base optimizer's shortest one in this sweep: "
        "forward and backward passes, and measured seconds of training on the same kind of device."
    ]
    untimed = sum(cost.time is None for cost in costs.values())
    if untimed:
        lines.append(
            f"No time for {untimed} of {len(costs)} methods: they, or their base optimizer with the same model, data "
            f"and hardware ({', '.join(HARDWARE)}), have no uninterrupted run."
        )
    return lines
