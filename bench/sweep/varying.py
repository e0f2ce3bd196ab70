"""Varying: the values that fields and settings take among trials, and what distinguishes them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from bench.sweep.fields import names_of
from bench.trial import FIELDS, Trial, short

_REPEATED = ("rho", "seed")
"""What every method is swept and repeated over; lists of trials count these separately."""
kind_at_rho = attrgetter(*(name for name in FIELDS if name != "seed"))
"""What trials have in common that differ in their seeds alone."""
_kind_of = attrgetter(*(name for name in FIELDS if name not in _REPEATED))


def values_of(trials: Sequence[Trial]) -> dict[str, list[Any]]:
    """Field or setting → the values that it was written with, in the order of the trials.

    None stands for a field that follows from others; settings count only where trials have them.
    """
    names, settings = names_of(trials), {name for trial in trials for name, _ in trial.settings}
    found = {name: list(dict.fromkeys(trial.written(name) for trial in trials)) for name in names}
    return {
        name: [value for value in values if value is not None or name not in settings] for name, values in found.items()
    }


def differing(trials: Sequence[Trial]) -> list[Trial]:
    """One trial of each kind that differs from the others in more than ρ and seed."""
    return list({_kind_of(trial): trial for trial in reversed(trials)}.values())[::-1]


def differences_in_words(trials: Sequence[Trial]) -> str:
    """`epochs 5, 10 × label_noise 0.2, 0.4`: what differs beside ρ and seed; × where all go with all."""
    kinds = differing(trials)
    if len(kinds) < 2:
        return ""
    found = {name: values for name, values in values_of(kinds).items() if len(values) > 1 and name not in _REPEATED}
    whole = len(kinds) == math.prod(map(len, found.values()))
    return (" × " if whole else " with ").join(_listed(name, values) for name, values in found.items())


def _listed(name: str, values: Sequence[Any]) -> str:
    """Numbers in their order, words in that of the trials."""
    numbers = all(isinstance(value, int | float) for value in values if value is not None)
    ordered = sorted(values, key=lambda value: (value is None, value)) if numbers else values
    return f"{name} {', '.join(map(short, ordered))}"
