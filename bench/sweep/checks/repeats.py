"""Repeats: what is written twice and would silently count once, or one value written so that it counts as two."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from bench.errors import shown
from bench.sweep.expansion.axes import Axis
from bench.sweep.file.source import UNKNOWN, Source
from bench.validation import Path

_ROUNDING = 1e-9
"""Relative difference below which two numbers are meant to be one."""


def check_values(source: Source, axis: Axis) -> None:
    """Report values that the axis lists twice."""
    if isinstance(axis.values, range):
        return
    seen: dict[Any, int] = {}
    for index, value in enumerate(axis.values):
        if value is not UNKNOWN and seen.setdefault(value, index) != index:
            source.report(axis.place(index), f"repeats {shown(value)}")


def check_rows(source: Source, axes: Sequence[Axis], path: Path) -> None:
    """Report combinations that zipped axes list twice."""
    if source.overridden:
        return
    seen: dict[tuple[Any, ...], int] = {}
    for index, row in enumerate(zip(*(axis.values for axis in axes), strict=False)):
        if UNKNOWN not in row and seen.setdefault(row, index) != index:
            told = ", ".join(f"{axis.name} {shown(value)}" for axis, value in zip(axes, row, strict=True))
            source.report(path, f"repeats a combination: {told}")


def check_items(source: Source, items: Sequence[Any], path: Path) -> None:
    """Report items of a list (lines of methods, patterns, blocks) that equal an earlier one."""
    if source.overridden:
        return  # --set makes lines alike that differ in the file
    seen: dict[str, int] = {}
    for index, item in enumerate(items):
        first = seen.setdefault(json.dumps(item, sort_keys=True, default=repr), index)
        if first != index:
            source.report((*path, index), f"repeats {path[-1]}[{first}]")


def check_rounding(source: Source, axes: Iterable[Axis]) -> None:
    """Report numbers of one field, wherever they stand, that differ by rounding only: their trials would be two."""
    numbers: dict[str, dict[float, Path]] = {}
    for axis in axes:
        for index, value in enumerate(axis.values if not isinstance(axis.values, range) else ()):
            if isinstance(value, float):
                numbers.setdefault(axis.name, {}).setdefault(value, axis.place(index))
    for places in numbers.values():
        ordered = sorted(places)
        for one, other in pairwise(ordered):
            if math.isclose(one, other, rel_tol=_ROUNDING):
                first, second = sorted((one, other), key=list(places).index)
                source.report(places[second], f"{second!r} differs from {first!r} by rounding only; write one of them")
