"""The light records that registries hold: names can be checked and listed without importing torch.

A registry is a plain dictionary from a name to an `Entry`. Adding a variant, scope, model, data set, measure,
optimizer or launcher is one file with the object and one such line.
"""

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
    default: Scalar
    """Value of a trial that doesn't name it; recorded in the trial and part of its identity."""
    summary: str
    """What it is, in one line."""


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
    traits: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """Facts needed before the object is loaded, such as a model's family or a data set's label."""

    def load(self) -> Any:
        """Import and return the object."""
        module, _, attribute = self.target.partition(":")
        return getattr(importlib.import_module(module), attribute)
