"""Idle: fields that are checked in general, but can't fail a check beside what a line names.

A field that is idle is multiplied in last, with those that no check looks at: 100,000 trials are then a few hundred
combinations to check.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench import data
from bench.errors import UserError
from bench.optim.library import is_library
from bench.sam import VARIANTS
from bench.sweep.expansion.plan import MethodLine
from bench.tasks import TASKS
from bench.trial import DEFAULTS, NONE

_OF_TASKS = frozenset({"label_noise", "val_fraction", "drop_last", "channels_last", "compile"})
"""Fields that are checked against the task alone: some have no meaning there."""


def idle(line: MethodLine, recipe: Mapping[str, Any]) -> frozenset[str]:
    """The idle fields of one line; none if it names anything unknown."""
    decays = all(map(_takes_any_decay, _values("variant", line, recipe)))
    decays &= not any(is_library(str(name)) for name in _values("optimizer", line, recipe))
    tasks = all(map(_poses_images, _values("dataset", line, recipe)))
    return frozenset({"weight_decay"} if decays else ()) | (_OF_TASKS if tasks else frozenset())


def _values(field: str, line: MethodLine, recipe: Mapping[str, Any]) -> list[Any]:
    """All values of the field in the line."""
    written = [value for axis in line.written if axis.name == field for value in axis.values]
    return written or [recipe.get(field, DEFAULTS.get(field))]


def _takes_any_decay(variant: object) -> bool:
    return variant == NONE or (variant in VARIANTS.own and VARIANTS.own[str(variant)].base != "bare")


def _poses_images(dataset: object) -> bool:
    try:
        return not TASKS[data.entry(str(dataset)).task].without
    except (KeyError, ValueError, UserError):
        return False
