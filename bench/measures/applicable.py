"""Applicable: whether a measure has a meaning for a model, by what it was trained on."""

from __future__ import annotations

from bench.data.splits import Splits
from bench.registry import MeasureEntry


def inapplicable(measure: MeasureEntry, dataset: str, splits: Splits) -> str:
    """Why models of that data set can't have the measure; empty if they can."""
    if measure.trained_on not in (None, dataset):
        return f"is of models of {measure.trained_on}, and this one is of {dataset}"
    if measure.needs_validation and splits.validation is None:
        return f"is of a validation split, and {dataset} has none here"
    return ""
