"""Plan: the products that a document expands to, and how many trials they make.

Read whole before any trial is made, so that all faults are known and no product runs away.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from bench.papers.sam_on.rho import RHO
from bench.sweep.checks.repeats import check_items, check_rounding, check_rows, check_values
from bench.sweep.document import Block, Document
from bench.sweep.expansion.axes import Axis, read_axes
from bench.sweep.file.source import Source
from bench.validation import Path

Factor = list[Axis]
"""Axes that advance together: one of the grid alone, or those of a zip."""

_LARGEST_GRID = max(len(row.grid) for table in RHO.values() for row in table.values())
_SHOWN = 3
"""Products that a refusal shows: the largest,"""
_LOOKED_AT = 10_000
"""out of this many."""


@dataclass
class Pattern:
    """One pattern of `exclude`."""

    wanted: dict[str, Sequence[Any]]
    path: Path
    used: bool = False
    """Whether it matched a trial."""


@dataclass(frozen=True)
class MethodLine:
    """One line of `methods`, times what it is multiplied with."""

    path: Path
    factors: list[Factor]
    """Where an axis is written twice, only the last one."""
    written: list[Axis]
    """All axes, including those that a later one overrides."""

    @property
    def lengths(self) -> dict[str, int]:
        """Number of values of each factor, by the names of its axes."""
        return {"+".join(axis.name for axis in factor): _length(factor) for factor in self.factors}

    @property
    def trials(self) -> int:
        """How many trials it stands for at most."""
        return math.prod(self.lengths.values())

    def __str__(self) -> str:
        told = " × ".join(f"{name} {length:,}" for name, length in self.lengths.items() if length > 1)
        return f"{told} = {self.trials:,}" if told else "1"


@dataclass(frozen=True)
class EffectiveBlock:
    """A block with all that stands outside it."""

    shared: list[Factor]
    methods: list[tuple[Path, list[Axis]]]
    excluded: list[Pattern] = field(default_factory=list)

    def lines(self) -> Iterator[MethodLine]:
        """Its products, one after another: of many blocks with many methods there may be too many to keep."""
        for path, axes in self.methods:
            factors = [*self.shared, *([axis] for axis in axes)]
            yield MethodLine(path, _effective(factors), [axis for factor in factors for axis in factor])


def read_parts(source: Source, document: Document) -> list[EffectiveBlock]:
    """The blocks of a document; faults of names, values and repetitions go to `source.faults`."""
    axes: list[Axis] = []
    own = _read_part(source, document, (), axes)
    parts = [_read_part(source, block, ("blocks", index), axes) for index, block in enumerate(document.blocks)]
    check_items(source, [block.model_dump() for block in document.blocks], ("blocks",))
    check_rounding(source, axes)
    plain: list[tuple[Path, list[Axis]]] = [((), [])]
    if not parts:
        return [EffectiveBlock(own.shared, own.methods or plain, own.excluded)]
    return [
        EffectiveBlock(
            [*own.shared, *part.shared], part.methods or own.methods or plain, [*part.excluded, *own.excluded]
        )
        for part in parts
    ]


def refuse_too_many(source: Source, parts: Sequence[EffectiveBlock], most: int) -> None:
    """Report, by their axes, products that make more than `most` trials."""
    # Of many blocks with many methods there may be too many products to look at each.
    lines = sum(len(part.methods) for part in parts)
    total = lines if lines > most else sum(line.trials for part in parts for line in part.lines())
    if total <= most:
        return
    products = islice((line for part in parts for line in part.lines()), _LOOKED_AT)
    largest = heapq.nlargest(_SHOWN, products, key=lambda line: line.trials)
    longest = max(largest[0].factors, key=_length)[0]
    way_out = f"shorten an axis, split the sweep, or allow it by --max-trials {total}"
    told = "; ".join(map(str, largest))
    source.report(longest.path, f"stands for {total:,} trials, more than {most:,}: {told}; {way_out}", at_key=True)


def _read_part(source: Source, block: Block, path: Path, seen: list[Axis]) -> EffectiveBlock:
    for part in ("grid", "zip", "methods"):
        if part in block.model_fields_set and not getattr(block, part):
            source.report((*path, part), "is empty", at_key=True)
    shared = _read_factors(source, block, path)
    methods = []
    for index, written in enumerate(block.methods):
        place = (*path, "methods", index)
        methods.append((place, _distinct(source, read_axes(source, written, place))))
    check_items(source, block.methods, (*path, "methods"))
    excluded = _read_excluded(source, block, path)
    seen += [axis for factor in shared for axis in factor] + [axis for _, axes in methods for axis in axes]
    return EffectiveBlock(shared, methods, excluded)


def _read_factors(source: Source, block: Block, path: Path) -> list[Factor]:
    """Each axis of the grid alone, and the axes of each zip together."""
    factors = [[axis] for axis in _distinct(source, read_axes(source, block.grid, (*path, "grid")))]
    taken = {axis.name for factor in factors for axis in factor}
    for place, zipped in block.zips():
        zip_path = (*path, *place)
        axes = read_axes(source, zipped, zip_path)
        lengths = {axis.name: len(axis.values) for axis in axes}
        if len(set(lengths.values())) > 1:
            told = ", ".join(f"{name} has {length}" for name, length in lengths.items())
            source.report(zip_path, f"zipped axes have equal numbers of values: {told}")
        for name in taken & lengths.keys():
            source.report((*zip_path, name), f"{name} stands in grid or another zip as well; drop one", at_key=True)
        check_rows(source, axes, zip_path)
        taken |= lengths.keys()
        factors.append(axes)
    return factors


def _distinct(source: Source, axes: list[Axis]) -> list[Axis]:
    for axis in axes:
        check_values(source, axis)
    return axes


def _read_excluded(source: Source, block: Block, path: Path) -> list[Pattern]:
    patterns = []
    for index, written in enumerate(block.exclude):
        place = (*path, "exclude", index)
        if not written:
            source.report(place, "is empty, which would exclude everything")
        # As a list, because a lone number for the seed would be read as a count of seeds.
        listed = {name: raw if isinstance(raw, list) else [raw] for name, raw in written.items()}
        axes = _distinct(source, read_axes(source, listed, place))
        patterns.append(Pattern({axis.name: axis.values for axis in axes}, place))
    check_items(source, block.exclude, (*path, "exclude"))
    return patterns


def _effective(factors: list[Factor]) -> list[Factor]:
    """The factors in force: of an axis that is written twice, the later one."""
    kept: list[Factor] = []
    taken: set[str] = set()
    for factor in reversed(factors):
        axes = [axis for axis in factor if axis.name not in taken]
        taken |= {axis.name for axis in axes}
        if axes:
            kept.append(axes)
    return kept[::-1]


def _length(factor: Factor) -> int:
    """How many values the factor has; `paper-grid` counts as the longest of the paper's grids."""
    values = factor[0].values
    if factor[0].name == "rho" and not isinstance(values, range):
        return sum(_LARGEST_GRID if value == "paper-grid" else 1 for value in values)
    return len(values)


def rows(factor: Factor) -> list[dict[str, Any]]:
    """The alternatives of one factor of a product: `[{model: a}, {model: b}]`, or several zipped axes."""
    names = [axis.name for axis in factor]
    return [dict(zip(names, row, strict=True)) for row in zip(*(axis.values for axis in factor), strict=False)]
