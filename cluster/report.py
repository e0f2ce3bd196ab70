"""What a worker reports of a trial, while it trains and at its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

OnBatch = Callable[[int, int, int], None]
"""Told of each step: the epoch, and how many of how many images of it are through."""
OnEpoch = Callable[[dict[str, Any]], None]
"""Told of each epoch's row of the history; first of those of earlier attempts."""


@dataclass(frozen=True, kw_only=True)
class Listener:
    """Who is told how a worker's trial goes, in the process that trains it."""

    on_claim: Callable[[], None] | None = None
    """Told that the trial was claimed."""
    on_batch: OnBatch | None = None
    on_epoch: OnEpoch | None = None


NOBODY = Listener()


@dataclass(frozen=True, kw_only=True)
class TrialReport:
    """What a worker says of one trial."""

    trial_id: str
    outcome: str
    """An outcome of an attempt, or `held`: another worker has it, or its folder isn't ours to write."""
    message: str = ""
    quality: float | None = None
    """The task's measure of it, on the validation split, or on the test split where there is none."""
    wall_s: float = 0.0
