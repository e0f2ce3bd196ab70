"""Validation: values checked by their annotated types, and pydantic's errors as sentences of ours.

Whatever is validated (a sweep, a profile, a setting) is told wrong in the same words: where, what was expected, what
stands there.
"""

from __future__ import annotations

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
    told = list(dict.fromkeys(map(_expected, details)))
    alike = all(each.startswith(_EXPECTED) for each in told)
    joined = _EXPECTED + " or ".join(each.removeprefix(_EXPECTED) for each in told) if alike else "; or ".join(told)
    return f"{joined}, not {shown(details[0]['input'])}"


def _expected(detail: Any) -> str:
    if detail["type"] in _NO_MAPPING:
        return f"{_EXPECTED}a mapping of keys to values"
    if detail["type"] == "value_error":
        return str(detail["ctx"]["error"])
    message: str = detail["msg"]
    return message[0].lower() + message[1:].removesuffix(".")
