"""Setting types: what values a setting takes, in words."""

from __future__ import annotations

import math
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt

_WORDS = {float: "number", int: "whole number", bool: "true or false", str: "word"}
_BOUNDS = {Ge: ("≥", "ge"), Gt: (">", "gt"), Le: ("≤", "le"), Lt: ("<", "lt")}


def type_in_words(annotation: Any) -> str:
    """`number ≥ 0, < 1` of `Annotated[float, Ge(0), Lt(1)]`; bounds at infinity say nothing."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return f"{type_in_words(parts[0])} {', '.join(filter(None, map(_bound, parts[1:])))}".rstrip()
    if origin is Literal:
        return " or ".join(map(str, parts))
    if origin in (Union, UnionType):
        return " or ".join(type_in_words(part) for part in parts if part is not type(None))
    return _WORDS.get(annotation, str(getattr(annotation, "__name__", annotation)))


def _bound(bound: Any) -> str:
    sign, attribute = _BOUNDS.get(type(bound), ("", ""))
    value = getattr(bound, attribute, math.inf)
    return f"{sign} {value:g}" if sign and math.isfinite(value) else ""
