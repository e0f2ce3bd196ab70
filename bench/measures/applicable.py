"""Applicable: whether a measure has a meaning for a model, by what it was trained on."""

from __future__ import annotations

from bench import data
from bench.registry import ImagesEntry, MeasureEntry
from bench.trial.content import without_content


def inapplicable(measure: MeasureEntry, dataset: str, *, validated: bool) -> str:
    """Why models of that data set can't have the measure; empty if they can.

    `validated` says whether there is a validation split.
    """
    name, found = without_content(dataset), data.entry(dataset)
    # Of a folder that isn't here it isn't known.
    classes = found.num_classes if isinstance(found, ImagesEntry) else 0
    if measure.task not in (None, found.task):
        return f"is of {measure.task}, and {name} is for {found.task}"
    if measure.trained_on not in (None, dataset):
        return f"is of models of {measure.trained_on}, and this one is of {name}"
    if measure.needs_validation and not validated:
        return f"is of a validation split, and {name} has none here; hold one out by val_fraction"
    if 0 < classes < measure.fewest_classes:
        return f"is defined from {measure.fewest_classes} classes on, and {name} has {classes}"
    return ""
