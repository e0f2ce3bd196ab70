"""Axes: the values written for one field or setting, checked one by one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bench import data, models
from bench.data.files.location import DataError
from bench.errors import nearest, shown, unknown
from bench.measures.names import MeasureError, parse
from bench.models import MODELS
from bench.optim import library
from bench.optim.registry import OPTIMIZERS
from bench.sam import SCOPES, canonical_scope
from bench.sweep.choose import ChooseRho
from bench.sweep.document import Axes, home_of
from bench.sweep.expansion.equal_compute import EQUAL
from bench.sweep.fields import AXES, FAST, LATE, REGISTRIES, TYPES, WORDS
from bench.sweep.file.source import UNKNOWN, Source
from bench.trial import NONE
from bench.validation import Path, as_written, check, number_hint

_RHO_WORDS = ("paper", "paper-grid")

Checked = tuple[Any, str | None]
"""A value and None, or anything and what is wrong with what was written."""


@dataclass(frozen=True)
class Axis:
    """One axis as written: its checked values, UNKNOWN for those at fault, and where it stands."""

    name: str
    values: Sequence[Any]
    path: Path
    listed: bool
    """Whether the values were written as a list."""

    def place(self, index: int) -> Path:
        """Where one of the values stands."""
        return (*self.path, index) if self.listed else self.path


def read_axes(source: Source, written: Axes, path: Path) -> list[Axis]:
    """The axes of one mapping; faults of names and values go to `source.faults`."""
    axes = []
    for name, raw in written.items():
        place = (*path, name)
        if name in TYPES:
            axes.append(Axis(name, _values(source, name, raw, place), place, isinstance(raw, list)))
            continue
        if not source.settings_known:
            continue
        source.spoil(place, _unknown_field(name), at_key=True)
        if meant := nearest(name, AXES):
            # So that it isn't reported as missing as well.
            axes.append(Axis(meant, [UNKNOWN], place, False))
    return axes


def _unknown_field(name: str) -> str:
    if name.isdigit():
        return f"{shown(name)} is no field; if it's the end of a decimal number, that has a point: 0.{name}"
    home = home_of(name, AXES)
    return f"unknown field {shown(name)} here: {home}" if home else unknown("field", name, sorted(AXES))


def _values(source: Source, name: str, raw: Any, path: Path) -> Sequence[Any]:
    if name == "seed" and isinstance(raw, int) and not isinstance(raw, bool):
        return _seeds(source, raw, path)
    if raw == []:
        source.report(path, "has no values", at_key=True)
        return [UNKNOWN]
    if not isinstance(raw, list):
        return [_checked(source, name, raw, path)]
    return [_checked(source, name, item, (*path, index)) for index, item in enumerate(raw)]


def _seeds(source: Source, count: int, path: Path) -> Sequence[Any]:
    """A number of seeds; a range, because there may be more than memory holds."""
    if count >= 1:
        return range(count)
    source.report(path, f"a seed count is at least 1, not {count}; a single seed is written as [{max(count, 0)}]")
    return [UNKNOWN]


def _checked(source: Source, name: str, item: Any, path: Path) -> Any:
    if item is UNKNOWN:
        return UNKNOWN
    value, problem = _value(name, item)
    # A fault inside a mapping is reported already.
    if problem and not any(place[: len(path)] == path for place in source.spoiled):
        source.report(path, problem)
    return UNKNOWN if problem else value


def _value(name: str, item: Any) -> Checked:
    if name == "rho" and not isinstance(item, int | float):
        return _rho_word(item)
    if name == "epochs" and isinstance(item, str):
        return (
            item,
            None
            if item == EQUAL
            else f"a number of epochs is 1 or more, or {EQUAL}, not {shown(item)}{number_hint(item)}",
        )
    if name in REGISTRIES and isinstance(item, str):
        return _registered(name, item)
    if name in WORDS and item not in WORDS[name]:
        return None, unknown(name, item, WORDS[name])
    return check(TYPES[name], item)


def _registered(field: str, name: str) -> Checked:
    """The name in its one form, of what is registered or a user's own."""
    if name == NONE and field in ("variant", "scope"):
        return name, None
    try:
        return _FIND.get(field, REGISTRIES[field].canonical)(name), None
    except KeyError:
        return None, unknown(field, name, _valid(field))
    except (ValueError, DataError) as error:
        return None, str(error)


def _valid(field: str) -> Iterable[str]:
    """What may be written, for people."""
    none = [NONE] if field in ("variant", "scope") else []
    return (*none, *_WIDER.get(field, tuple(REGISTRIES[field])))


def _scope(expression: str) -> str:
    if "[" not in expression:
        return SCOPES.canonical(expression)
    return canonical_scope(expression)


_WIDER = {
    "dataset": data.valid_names(),
    "model": (*MODELS, "timm/NAME"),
    "optimizer": (*OPTIMIZERS, *library.FORMS),
}
_FIND = {"dataset": data.canonical, "model": models.canonical, "scope": _scope}
"""Fields with names beyond their registry."""


def _rho_word(item: Any) -> Checked:
    if isinstance(item, dict):
        return _choice(item)
    if item in _RHO_WORDS:
        return item, None
    valid = "a number above 0, a list of them, paper, paper-grid or {choose: SWEEP}"
    if item is None:
        return None, f"has no value: a ρ is {valid}"
    return None, f"a ρ is {valid}, not {as_written(item)}{number_hint(item)}"


def _choice(item: dict[str, Any]) -> Checked:
    """`{choose: SWEEP, where: {…}, by: …}`."""
    for key in item:
        if key not in _CHOOSE_KEYS:
            return None, unknown("key", key, _CHOOSE_KEYS)
    sweep, where, by = item.get("choose"), item.get("where", {}), item.get("by")
    if not isinstance(sweep, str) or not sweep:
        return None, f"choose names another sweep, such as rho-cifar100, not {as_written(sweep)}"
    if by is not None:
        try:
            by = parse(str(by)).name
        except MeasureError as error:
            return None, str(error)
    if not isinstance(where, dict):
        return None, f"where is a mapping such as {{model: resnet56}}, not {as_written(where)}"
    wanted, problem = _wanted(where)
    return ChooseRho(sweep=sweep, where=wanted, by=by), problem


def _wanted(where: dict[str, Any]) -> tuple[tuple[tuple[str, tuple[Any, ...]], ...], str | None]:
    wanted = []
    for name, raw in where.items():
        if name not in TYPES or name in _NO_FIELDS:
            return (), "where: " + unknown("field", name, sorted({*AXES} - _NO_FIELDS))
        if raw == []:
            return (), f"where: {name}: has no values"
        checked = [_value(name, each) for each in (raw if isinstance(raw, list) else [raw])]
        if problem := next((problem for _, problem in checked if problem), None):
            return (), f"where: {name}: {problem}"
        wanted.append((name, tuple(value for value, _ in checked)))
    return tuple(wanted), None


_NO_FIELDS = {"rho", FAST, LATE}
"""Axes that a choice can't be made among trials by."""
_CHOOSE_KEYS = ("choose", "where", "by")
