"""Validation: values checked against their annotated types, with pydantic's errors in our words.

Whatever is validated (a sweep, a profile, a setting) is told wrong in the same words: where, what was expected, what
stands there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple

from pydantic import ConfigDict, TypeAdapter, ValidationError

from bench.errors import shown

Path = tuple[str | int, ...]
"""Keys and indices from the top of a document to a value: `("methods", 1, "rho", 0)`."""

_EXTRA = ("extra_forbidden", "unexpected_keyword_argument")
_NO_MAPPING = ("dict_type", "model_type", "dataclass_type", "mapping_type")
_OF_KEY = "[key]"
"""How pydantic ends the place of a key that is itself wrong."""
_LONG = 80
"""Characters of a list or mapping that a message repeats."""
_WORD = re.compile(r"[A-Za-z_][\w./+-]*")
_EXPECTED = "input should be "


class Problem(NamedTuple):
    """What is wrong with one value, or with its key."""

    path: Path
    message: str
    at_key: bool


@cache
def adapter(annotation: Any) -> TypeAdapter[Any]:
    """The validator of an annotated type; infinite numbers and NaN are never valid."""
    return TypeAdapter(annotation, config=ConfigDict(allow_inf_nan=False))


def check(annotation: Any, value: Any) -> tuple[Any, str | None]:
    """`value` as its type and None, or anything and what is wrong with it. A number as text is no number."""
    try:
        return adapter(annotation).validate_python(value, strict=True), None
    except ValidationError as error:
        return None, _sentence(error.errors())


def problems(error: ValidationError, data: Any, unknown_key: Callable[[Path], str]) -> Iterator[Problem]:
    """One problem for each value of `data` that is wrong; `unknown_key` is the message for a key that has no place."""
    found: dict[Path, list[Any]] = {}
    for detail in error.errors():
        found.setdefault(_path(detail, data), []).append(detail)
    for path, details in found.items():
        extra = details[0]["type"] in _EXTRA
        at_key = extra or details[0]["loc"][-1:] == (_OF_KEY,)
        yield Problem(path, unknown_key(path) if extra else _sentence(details), at_key)


def _path(detail: Any, data: Any) -> Path:
    """Where in `data`; pydantic adds the tried member of a union, such as `list[dict[str,any]]`."""
    path: list[str | int] = []
    for key in detail["loc"]:
        if (isinstance(data, dict) and key in data) or (isinstance(data, list) and isinstance(key, int)):
            data = data[key]
            path.append(key)
    return (*path, detail["loc"][-1]) if detail["type"] == "missing" else tuple(path)


def _sentence(details: list[Any]) -> str:
    """What all types that were tried for one value say of it, and the value."""
    if details[0]["type"] == "missing":
        return "is missing"
    if advice := _other_shape(details):
        return advice
    told = list(dict.fromkeys(map(_expected, details)))
    alike = all(each.startswith(_EXPECTED) for each in told)
    joined = _EXPECTED + " or ".join(each.removeprefix(_EXPECTED) for each in told) if alike else "; or ".join(told)
    found = details[0]["input"]
    if found is None:
        return f"has no value: {joined}"
    return f"{joined}, not {as_written(found)}{number_hint(found)}"


def _other_shape(details: list[Any]) -> str | None:
    """What stands where a list, a mapping or a single word belongs, and how that is written."""
    kind, found = details[0]["type"], details[0]["input"]
    if len({detail["type"] for detail in details}) > 1 or found is None:
        return None
    takes, way_out = {
        "list_type": ("a list", f"write [{_flow(found)}]"),
        "string_type": ("one text", f"write it without brackets, or in quotes, instead of {as_written(found)}"),
        **dict.fromkeys(_NO_MAPPING, ("a mapping", f"write {{KEY: VALUE}} instead of {as_written(found)}")),
    }.get(kind, ("", ""))
    if not takes or (kind == "string_type" and not isinstance(found, list | dict)):
        return None
    return f"takes {takes}, not {_kind(found)}: {way_out}"


def _kind(value: Any) -> str:
    return "a list" if isinstance(value, list) else "a mapping" if isinstance(value, dict) else "a single value"


def as_written(value: Any) -> str:
    """A bad value as a document has it: lists and mappings in brackets, their words without quotes; long ones cut."""
    if not isinstance(value, list | dict):
        return shown(value)
    text = _flow(value)
    return text if len(text) <= _LONG else f"{text[: _LONG - 1]}…"


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {_flow(item)}' for key, item in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_flow, value))}]"
    if isinstance(value, str) and _WORD.fullmatch(value):
        return value
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else repr(value)


def number_hint(value: Any) -> str:
    """How a number is written that stands there as text; empty for any other value."""
    if not isinstance(value, str):
        return ""
    point = value.strip().replace(",", ".", 1)
    try:
        float(point)
    except ValueError:
        return ""
    if not any(map(str.isdigit, point)):
        return ""
    return "; a decimal number has a point: write " + point if "," in value else "; a number stands without quotes"


def _expected(detail: Any) -> str:
    if detail["type"] in _NO_MAPPING:
        return f"{_EXPECTED}a mapping of keys to values"
    if detail["type"] == "value_error":
        return str(detail["ctx"]["error"])
    message: str = detail["msg"]
    return message[0].lower() + message[1:].removesuffix(".")
