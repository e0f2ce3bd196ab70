"""Record: what every registry record contains, and the settings it declares."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

Scalar = str | int | float | bool


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A number or word that only some entries have, such as η of a variant or the sparsity of a scope."""

    type: Any
    """Annotated type that a value must satisfy, as pydantic reads it: `Annotated[float, Ge(0)]`."""
    default: Scalar | None
    """Value of a trial that doesn't name it; recorded in the trial and part of its identity. None: a library's own."""
    summary: str
    """What it is, in one line."""
    later: bool = False
    """Whether it came after `bench.trial.SCHEMA`: a trial at its default doesn't name it, and so keeps its id."""
    required: bool = False
    """Whether every trial has to name it, and the default stands for nothing."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of a registry: where the object is and what it is, not the object."""

    target: str
    """`package.module:attribute` of the object."""
    summary: str
    """What it is, in one line, for listings."""
    source: str = ""
    """Where it comes from: paper, section or equation."""
    settings: Mapping[str, Setting] = field(default_factory=lambda: MappingProxyType({}))
    """Settings that it understands beyond the fields that every trial has."""

    def load(self) -> Any:
        """Import and return the object."""
        module, _, attribute = self.target.partition(":")
        return getattr(importlib.import_module(module), attribute)
