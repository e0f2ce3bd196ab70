"""Applicable: whether a measure has a meaning for a model, by what it was trained on."""

from __future__ import annotations

from bench.data.splits import Splits
from bench.registry import Entry


def inapplicable(measure: Entry, dataset: str, splits: Splits) -> str:
    """Why models of that data set can't have the measure; empty if they can."""
    trained_on = measure.traits.get("trained_on", dataset)
    if trained_on != dataset:
        return f"is of models of {trained_on}, and this one is of {dataset}"
    if measure.traits.get("needs_validation") and splits.validation is None:
        return f"is of a validation split, and {dataset} has none here"
    return ""
