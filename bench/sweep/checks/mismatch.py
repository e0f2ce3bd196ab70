"""Mismatch: what a check finds, and values of which some aren't known."""

from __future__ import annotations

from typing import Any, NamedTuple


class Mismatch(NamedTuple):
    """What a check found."""

    fields: tuple[str, ...]
    message: str


Values = dict[str, Any]


class Missing(Exception):
    """A value was asked for that isn't known."""


class Known(dict[str, Any]):
    """Values of which some are at fault or missing: what looks at one of these is left out, the others still judge."""

    def __missing__(self, name: str) -> Any:
        raise Missing(name)
