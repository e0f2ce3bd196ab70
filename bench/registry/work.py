"""Records of what is done with trials: measures and launchers."""

from __future__ import annotations

from dataclasses import dataclass

from bench.registry.problems import CLASSIFICATION
from bench.registry.record import Entry


@dataclass(frozen=True, kw_only=True)
class MeasureEntry(Entry):
    """A quantity taken of a trained model."""

    task: str | None = CLASSIFICATION
    """The task whose models have it; None: all have."""
    needs_validation: bool = False
    """Whether it is of the validation split."""
    fewest_classes: int = 0
    """Classes that a data set must have."""
    trained_on: str | None = None
    """The data set whose models have it; None: all have."""
    test_set: str | None = None
    """The set of images that it is of."""
    later: bool = False
    """Whether it isn't taken at the end of a training, which it would make longer: `sambench measure` takes it."""
    light: bool = False
    """Whether a later one takes no longer than reading the weights, so that a smoke test takes it too."""
    of_outputs: bool = False
    """Whether it is called with what the model says of the test images, and needs no model where that is kept."""
    lower_is_better: bool = False
    unit: str = "%"
    digits: int | None = None
    """Decimals that tell its values apart; None: as many as accuracies have."""


@dataclass(frozen=True, kw_only=True)
class LauncherEntry(Entry):
    """How trials get onto processors."""

    queues: bool = False
    """Whether it returns when the trials are in a queue, and nothing waits for them."""
    prunes: bool = False
    """Whether it stops trials early where the sweep says so."""
