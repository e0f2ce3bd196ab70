"""Records of a method's parts: variant, scope, base optimizer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from bench.registry.record import Entry


@dataclass(frozen=True, kw_only=True)
class VariantEntry(Entry):
    """How ε is made of the gradient."""

    passes: float | Callable[[Mapping[str, Any]], float] | None = 2.0
    """Forward and backward passes over the batch that a step takes on average, or how they follow from the settings.

    A forward pass alone is a third. None: it shows only as it trains.
    """
    base: Literal["any", "momentum", "bare"] = "any"
    """Base optimizers that it works on: any, those with a momentum, or SGD without momentum and weight decay."""
    unsure: str = ""
    """What of it was read second hand or guessed; plans and boards say so."""


@dataclass(frozen=True, kw_only=True)
class ScopeEntry(Entry):
    """What ε touches."""

    stages: bool = False
    """Whether it can be limited to stages of a network, as in `only_norm[2,3]`."""
    samples: str | None = None
    """The setting that says how many training samples it estimates its mask on."""


@dataclass(frozen=True, kw_only=True)
class OptimizerEntry(Entry):
    """A base optimizer."""

    own_settings: bool = False
    """Whether its settings are its own alone, so that a recipe which is made for another optimizer gives it none."""
    requires: str = ""
    """Package that it needs and that sambench brings only as the extra of that name."""
    momentum: str = ""
    """Setting that weighs the past in its momentum, for variants that look along it; empty: it keeps none."""
    descends: bool = False
    """Whether it is w ← w − lr·g without momentum and weight decay."""
