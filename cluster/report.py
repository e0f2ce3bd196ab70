"""What a worker reports of a trial, while it trains and at its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

OnBatch = Callable[[int, int, int], None]
"""Called after each step with the epoch and how many of its images or tokens were seen, of how many."""
OnEpoch = Callable[[dict[str, Any]], None]
"""Called with each epoch's row of the history, beginning with those of earlier attempts."""


@dataclass(frozen=True, kw_only=True)
class Listener:
    """Callbacks in the process that trains a trial."""

    on_claim: Callable[[], None] | None = None
    """Called when the trial was claimed."""
    on_batch: OnBatch | None = None
    on_epoch: OnEpoch | None = None


NOBODY = Listener()


@dataclass(frozen=True, kw_only=True)
class TrialReport:
    """How a worker's attempt at one trial ended."""

    trial_id: str
    outcome: str
    """An outcome of an attempt, or `held`: another worker has it, or its folder isn't ours to write."""
    message: str = ""
    quality: float | None = None
    """The task's measure of it, on the validation split, or on the test split where there is none."""
