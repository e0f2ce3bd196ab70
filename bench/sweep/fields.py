"""Fields: what a sweep may vary (a trial's fields and settings), and the values that each takes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from annotated_types import Ge, Lt

from bench.data import DATASETS
from bench.data.augmentations import AUGMENTATIONS
from bench.models import MODELS
from bench.optim.registry import OPTIMIZERS
from bench.plugins import Registry
from bench.registry import Entry
from bench.sam import SCOPES, VARIANTS
from bench.trial import FIELDS, Trial

REGISTRIES: dict[str, Registry[Any]] = {
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
_FIXED = {field: _HINTS[field] for field in FIELDS if field != "settings"} | {
    FAST: bool,
    LATE: Annotated[float, Ge(0), Lt(1)],
}


def _setting_types(entries: Iterable[Entry]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for entry in entries:
        for name, setting in entry.settings.items():
            # Entries may give one name different types: any is accepted here, and the chosen entry's in `resolve`.
            found[name] = found.get(name, setting.type) | setting.type
    return found


_OWN = _setting_types(entry for registry in REGISTRIES.values() for entry in registry.values())


class _Types(Mapping[str, Any]):
    """The type of each axis, now: settings of plug-ins and libraries are known as soon as these are looked up."""

    def __getitem__(self, name: str) -> Any:
        return _FIXED[name] if name in _FIXED else self._now()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._now())

    def __len__(self) -> int:
        return len(self._now())

    def _now(self) -> dict[str, Any]:
        theirs = _setting_types(entry for registry in REGISTRIES.values() for entry in registry.looked_up())
        both = {name: type_ | _OWN.get(name, type_) for name, type_ in theirs.items()}
        return _OWN | both | _FIXED


TYPES: Mapping[str, Any] = _Types()
"""Annotated type of each axis, as pydantic reads it."""
AXES: Collection[str] = TYPES
"""Everything that may stand as a key in `grid`, `zip`, `methods` or `exclude`."""


WORDS: dict[str, tuple[str, ...]] = {
    field: get_args(hint) for field, hint in _HINTS.items() if get_origin(hint) is Literal
}
"""Fields of a few words, with these."""


def names_of(trials: Iterable[Trial]) -> list[str]:
    """Fields, and those settings that some of the trials have."""
    settings = dict.fromkeys(name for trial in trials for name, _ in trial.settings)
    return [*(field for field in FIELDS if field != "settings"), *settings]
