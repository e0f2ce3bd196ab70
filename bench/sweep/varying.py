"""Varying: the values that fields and settings take among trials, and what tells trials apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from bench.sweep.fields import names_of
from bench.trial import Trial


def values_of(trials: Sequence[Trial]) -> dict[str, list[Any]]:
    """Field or setting → the values that it was written with, in the order of the trials; None where it was left out.

    Settings count only where trials have them.
    """
    found = {name: list(dict.fromkeys(trial.written(name) for trial in trials)) for name in names_of(trials)}
    settings = {name for trial in trials for name, _ in trial.settings}
    return {name: _had(values) if name in settings else values for name, values in found.items()}


def _had(values: Iterable[Any]) -> list[Any]:
    return [value for value in values if value is not None]
