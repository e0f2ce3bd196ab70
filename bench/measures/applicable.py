"""Applicable: whether a measure has a meaning for a model, by what it was trained on."""

from __future__ import annotations

from bench.registry import MeasureEntry
from bench.trial import CONTENT


def inapplicable(measure: MeasureEntry, dataset: str, classes: int, *, validated: bool) -> str:
    """Why models of that data set can't have the measure; empty if they can.

    Its number of `classes` is 0 where that isn't known; `validated` says whether there is a validation split.
    """
    name = dataset.partition(CONTENT)[0]
    if measure.trained_on not in (None, dataset):
        return f"is of models of {measure.trained_on}, and this one is of {name}"
    if measure.needs_validation and not validated:
        return f"is of a validation split, and {name} has none here; hold one out by val_fraction"
    if 0 < classes < measure.fewest_classes:
        return f"is defined from {measure.fewest_classes} classes on, and {name} has {classes}"
    return ""
