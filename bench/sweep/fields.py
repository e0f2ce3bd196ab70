"""Fields: what a sweep may vary, fields of a trial and settings of what is chosen, and the values that each takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from annotated_types import Ge, Lt

from bench.data import AUGMENTATIONS, DATASETS
from bench.models import MODELS
from bench.optimizers import OPTIMIZERS
from bench.registry import Entry
from bench.sam import SCOPES, VARIANTS
from bench.trial import FIELDS, Trial

REGISTRIES: dict[str, Mapping[str, Entry]] = {
    "dataset": DATASETS,
    "augment": AUGMENTATIONS,
    "model": MODELS,
    "optimizer": OPTIMIZERS,
    "variant": VARIANTS,
    "scope": SCOPES,
}
"""Fields whose values are names in a registry."""

FAST = "fast"
"""An axis that is no field: it stands for values of several."""

LATE = "late_sam"
"""An axis that is no field: the share of the epochs that pass before the first perturbation, for `perturb_from`."""

_HINTS = get_type_hints(Trial, include_extras=True)
_FIELD_TYPES = {field: _HINTS[field] for field in FIELDS if field != "settings"}
_SETTING_TYPES: dict[str, Any] = {}
for _registry in REGISTRIES.values():
    for _entry in _registry.values():
        for _name, _setting in _entry.settings.items():
            # Entries may give one name different types: any is accepted here, and the chosen entry's in `resolve`.
            _SETTING_TYPES[_name] = _SETTING_TYPES.get(_name, _setting.type) | _setting.type

TYPES: dict[str, Any] = _SETTING_TYPES | _FIELD_TYPES | {FAST: bool, LATE: Annotated[float, Ge(0), Lt(1)]}
"""Annotated type of each axis, as pydantic reads it."""
AXES: tuple[str, ...] = tuple(TYPES)
"""Everything that may stand as a key in `grid`, `zip`, `methods` or `exclude`."""
WORDS: dict[str, tuple[str, ...]] = {
    field: get_args(hint) for field, hint in _HINTS.items() if get_origin(hint) is Literal
}
"""Fields of a few words, with these."""
