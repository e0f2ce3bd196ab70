"""Fields: what a sweep may vary, fields of a trial and settings of what is chosen, and the values that each takes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from annotated_types import Ge, Lt

from bench import library
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

TYPES: dict[str, Any] = {}
"""Annotated type of each axis, as pydantic reads it."""


def learn(entry: Entry) -> None:
    """Let the settings of an entry be axes."""
    for name, setting in entry.settings.items():
        # Entries may give one name different types: any is accepted here, and the chosen entry's in `resolve`.
        TYPES[name] = TYPES.get(name, setting.type) | setting.type


for _registry in REGISTRIES.values():
    for _entry in _registry.values():
        learn(_entry)
TYPES |= _FIELD_TYPES | {FAST: bool, LATE: Annotated[float, Ge(0), Lt(1)]}
AXES: Collection[str] = TYPES
"""Everything that may stand as a key in `grid`, `zip`, `methods` or `exclude`."""


def learn_libraries(names: Iterable[str]) -> None:
    """Know the settings of the libraries' optimizers among these names."""
    for name in filter(library.is_library, names):
        with suppress(ValueError):
            learn(OPTIMIZERS[name])


WORDS: dict[str, tuple[str, ...]] = {
    field: get_args(hint) for field, hint in _HINTS.items() if get_origin(hint) is Literal
}
"""Fields of a few words, with these."""


def names_of(trials: Iterable[Trial]) -> list[str]:
    """Fields, and those settings that some of the trials have."""
    settings = dict.fromkeys(name for trial in trials for name, _ in trial.settings)
    return [*(field for field in FIELDS if field != "settings"), *settings]
