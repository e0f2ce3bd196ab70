"""Running: the progress of trials that are being trained, with the curve of each so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from bench import tasks
from bench.store import State
from bench.store.progress import read_progress
from bench.sweep import Sweep

WIDTH, HEIGHT = 120, 24
"""Of a curve, in pixels."""


@dataclass(frozen=True)
class Running:
    """One trial under way."""

    trial_id: str
    label: str
    epoch: str
    """`3/5`, or `starting`."""
    quality: str
    left: str
    curve: str
    """Points of a line, as SVG has them; empty before the second epoch."""


def running(sweep: Sweep, found: Mapping[str, State]) -> list[Running]:
    """The running trials of the sweep."""
    return [
        _look(found[trial.trial_id], trial.trial_id, trial.label, tasks.of_trial(trial).unit)
        for trial in sweep.trials
        if found[trial.trial_id].status == "running"
    ]


def _look(state: State, trial_id: str, label: str, unit: str) -> Running:
    at = read_progress(state.store.folder(trial_id)) if state.store else None
    if at is None:
        return Running(trial_id, label, "starting", "–", "–", "")
    left = str(timedelta(seconds=round(at.seconds_left)))
    return Running(
        trial_id, label, f"{at.epoch}/{at.epochs}", f"{at.quality:.1f} {unit}".rstrip(), left, line(at.curve, at.epochs)
    )


def line(values: Sequence[float], epochs: int) -> str:
    """A curve within the frame, as wide as the share of the training that is done."""
    if len(values) < 2:
        return ""
    low, span = min(values), (max(values) - min(values)) or 1.0
    step = WIDTH / max(epochs - 1, 1)
    return " ".join(f"{place * step:.1f},{HEIGHT * (1 - (each - low) / span):.1f}" for place, each in enumerate(values))
