"""Progress: how far a trial is, written by its worker after each epoch and read by `status`.

A small file of its own, so that no reader depends on the wording of a log. It isn't flushed: a crash may cost the
newest one, which nothing but the view of a running trial needs.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

from bench.store import files
from bench.store.files import plain
from bench.store.folder import TrialFolder

_LONGEST = 1e9
"""Seconds; a file that claims more than about thirty years are left is damaged."""


@dataclass(frozen=True, kw_only=True)
class EpochProgress:
    """How far a trial is after an epoch."""

    epoch: int
    epochs: int
    quality: float
    """The task's measure of it."""
    seconds: float
    """Of the newest epoch."""
    curve: list[float] = field(default_factory=list)
    """The same after all epochs so far."""

    @property
    def seconds_left(self) -> float:
        """By the newest epoch's time."""
        return (self.epochs - self.epoch) * self.seconds


def write_progress(folder: TrialFolder, progress: EpochProgress) -> None:
    """Replace what the file says."""
    files.write(folder.progress, json.dumps(asdict(progress)).encode(), flush=False)


def read_progress(folder: TrialFolder) -> EpochProgress | None:
    """The newest epoch that a worker finished; None before the first, or where the file doesn't tell."""
    try:
        values = json.loads(plain.read(folder.progress))
        # Its name before there was more than one task.
        found = EpochProgress(**{"quality" if name == "accuracy" else name: value for name, value in values.items()})
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return None
    *values, curve = asdict(found).values()
    numbers = isinstance(curve, list) and all(type(value) in (int, float) for value in (*values, *curve))
    return found if numbers and 0 <= found.seconds_left < _LONGEST else None
