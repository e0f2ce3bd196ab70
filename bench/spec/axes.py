"""Axes: the fields and settings that a sweep may vary, and the values written for one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, get_args, get_origin, get_type_hints

from pydantic import ConfigDict, TypeAdapter

from bench import data, models
from bench.data import AUGMENTATIONS, DATASETS
from bench.data.location import DataError
from bench.measures.names import MeasureError, parse
from bench.models import MODELS
from bench.optimizers import OPTIMIZERS
from bench.registry import Entry
from bench.sam import SCOPES, VARIANTS, canonical_scope
from bench.spec.choose import ChooseRho
from bench.spec.document import Axes, check_value
from bench.spec.fault import unknown
from bench.spec.source import Path, Source
from bench.trial import FIELDS, NONE, Trial

REGISTRIES: dict[str, Mapping[str, Entry]] = {
    "dataset": DATASETS,
    "augment": AUGMENTATIONS,
    "model": MODELS,
    "optimizer": OPTIMIZERS,
    "variant": VARIANTS,
    "scope": SCOPES,
}
"""Fields whose values are names in a registry."""

_RHO_WORDS = ("paper", "paper-grid")

FAST = "fast"
"""An axis that is no field: it stands for values of several."""


@cache
def adapter(annotation: Any) -> TypeAdapter[Any]:
    """The validator of a field's or setting's type."""
    return TypeAdapter(annotation, config=ConfigDict(allow_inf_nan=False))


_HINTS = get_type_hints(Trial, include_extras=True)
_FIELD_ADAPTERS = {field: adapter(_HINTS[field]) for field in FIELDS if field != "settings"}
_WORDS = {field: get_args(hint) for field, hint in _HINTS.items() if get_origin(hint) is Literal}
_SETTING_TYPES: dict[str, Any] = {}
for _registry in REGISTRIES.values():
    for _entry in _registry.values():
        for _name, _setting in _entry.settings.items():
            # Entries may give one name different types: any is accepted here, and the chosen entry's in `resolve`.
            _SETTING_TYPES[_name] = _SETTING_TYPES.get(_name, _setting.type) | _setting.type
_SETTING_ADAPTERS = {name: adapter(kind) for name, kind in _SETTING_TYPES.items()}
_ADAPTERS = _SETTING_ADAPTERS | _FIELD_ADAPTERS | {FAST: adapter(bool)}
AXES: tuple[str, ...] = tuple(_ADAPTERS)
"""Everything that may stand as a key in `grid`, `zip`, `methods` or `exclude`."""


@dataclass(frozen=True)
class Axis:
    """One axis as written: its checked values and where it stands."""

    name: str
    values: list[Any]
    path: Path


def read_axes(source: Source, written: Axes, path: Path) -> list[Axis]:
    """The axes of one mapping; faults of names and values go to `source.faults`."""
    axes = []
    for name, raw in written.items():
        if name not in _ADAPTERS:
            source.faults.append(source.fault((*path, name), unknown("field", name, sorted(AXES)), at_key=True))
            continue
        axes.append(Axis(name, _values(source, name, raw, (*path, name)), (*path, name)))
    return axes


def _values(source: Source, name: str, raw: Any, path: Path) -> list[Any]:
    if name == "seed" and isinstance(raw, int) and not isinstance(raw, bool):
        return _seed_count(source, raw, path)
    items = raw if isinstance(raw, list) else [raw]
    if not items:
        source.faults.append(source.fault(path, "has no values", at_key=True))
    checked = []
    for index, item in enumerate(items):
        value, problem = _value(name, item)
        if problem:
            place = (*path, index) if isinstance(raw, list) else path
            source.faults.append(source.fault(place, problem))
        else:
            checked.append(value)
    return checked


def _seed_count(source: Source, count: int, path: Path) -> list[int]:
    if count < 1:
        message = f"a seed count is at least 1, not {count}; a single seed is written as [{max(count, 0)}]"
        source.faults.append(source.fault(path, message))
    return list(range(count))


def _value(name: str, item: Any) -> tuple[Any, str | None]:
    if name == "rho" and not isinstance(item, int | float):
        return _rho_word(item)
    if name in REGISTRIES and isinstance(item, str):
        return _registered(name, item)
    if name in _WORDS and item not in _WORDS[name]:
        return None, unknown(name, item, _WORDS[name])
    return check_value(_ADAPTERS[name], item)


def _registered(field: str, name: str) -> tuple[Any, str | None]:
    if field == "scope" and "[" in name:
        return _scope_of_stages(name)
    if field in _OPEN:
        return _open_name(field, name)
    valid: Iterable[str] = REGISTRIES[field]
    if field in ("variant", "scope"):
        valid = [NONE, *valid]
    return (name, None) if name in valid else (None, unknown(field, name, valid))


_OPEN = {
    "dataset": (data.entry, data.valid_names()),
    "model": (models.entry, (*MODELS, "timm/NAME")),
}
"""Fields with names beyond their registry: what knows them all, and how they are told to people."""


def _open_name(field: str, name: str) -> tuple[Any, str | None]:
    find, valid = _OPEN[field]
    try:
        find(name)
    except KeyError:
        return None, unknown(field, name, valid)
    except (ValueError, DataError) as error:
        return None, str(error)
    return name, None


def _scope_of_stages(expression: str) -> tuple[Any, str | None]:
    try:
        return canonical_scope(expression), None
    except ValueError as error:
        return None, str(error)


def _rho_word(item: Any) -> tuple[Any, str | None]:
    if isinstance(item, dict):
        return _choice(item)
    if item in _RHO_WORDS:
        return item, None
    return None, f"a ρ is a number above 0, a list of them, paper, paper-grid or {{choose: SWEEP}}, not {item!r}"


def _choice(item: dict[str, Any]) -> tuple[Any, str | None]:
    """`{choose: SWEEP, where: {…}, by: …}`."""
    for key in item:
        if key not in _CHOOSE_KEYS:
            return None, unknown("key", key, _CHOOSE_KEYS)
    sweep, where, by = item.get("choose"), item.get("where", {}), item.get("by")
    if not isinstance(sweep, str) or not sweep:
        return None, f"choose names another sweep, such as rho-cifar100, not {sweep!r}"
    if by is not None:
        try:
            by = parse(str(by)).name
        except MeasureError as error:
            return None, str(error)
    if not isinstance(where, dict):
        return None, f"where is a mapping such as {{model: resnet56}}, not {where!r}"
    wanted = []
    for name, raw in where.items():
        if name not in _ADAPTERS or name in ("rho", FAST):
            return None, "where: " + unknown("field", name, sorted({*AXES} - {"rho", FAST}))
        values = []
        for each in raw if isinstance(raw, list) else [raw]:
            value, problem = _value(name, each)
            if problem:
                return None, f"where: {name}: {problem}"
            values.append(value)
        wanted.append((name, tuple(values)))
    return ChooseRho(sweep=sweep, where=tuple(wanted), by=by), None


_CHOOSE_KEYS = ("choose", "where", "by")
