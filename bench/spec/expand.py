"""Expand: from a document to its trials."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from bench.recipes import RECIPES
from bench.spec.axes import AXES, Axis, read_axes
from bench.spec.choose import ChooseRho
from bench.spec.document import Block, Document
from bench.spec.fault import unknown
from bench.spec.resolve import LINKED, PLACEHOLDER, REQUIRED, Guess, Resolver
from bench.spec.search import Searches
from bench.spec.source import Path, Source
from bench.trial import FIELDS, Trial

Group = list[dict[str, Any]]
"""The alternatives of one factor of a product: `[{model: a}, {model: b}]`, or several zipped axes."""

_FREE = frozenset(FIELDS) - LINKED


def expand(source: Source, document: Document, searches: Searches) -> tuple[list[Trial], list[str], frozenset[Guess]]:
    """Distinct trials in the order of the file, notes, and guesses; faults go to `source.faults`."""
    trials: dict[str, Trial] = {}
    notes: dict[str, None] = {}
    guesses: set[Guess] = set()
    for block, path in _blocks(source, document):
        resolver = Resolver(source, _recipe(source, document), searches)
        for trial in _expand_block(block, path, document, resolver):
            trials.setdefault(trial.trial_id, trial)
        notes |= resolver.notes
        guesses |= resolver.guesses
    if not trials and not source.faults and not searches.waits:
        source.faults.append(source.fault((), "stands for no trial: exclude drops every combination"))
    return list(trials.values()), list(notes), frozenset(guesses)


def _blocks(source: Source, document: Document) -> list[tuple[Block, Path]]:
    for path, block in [((), document), *((("blocks", i), b) for i, b in enumerate(document.blocks))]:
        for part in ("grid", "zip", "methods"):
            if part in block.model_fields_set and not getattr(block, part):
                source.faults.append(source.fault((*path, part), "is empty", at_key=True))
    if not document.blocks:
        return [(document, ())]
    return [(block, ("blocks", index)) for index, block in enumerate(document.blocks)]


def _recipe(source: Source, document: Document) -> dict[str, Any]:
    if document.recipe is None:
        return {}
    if document.recipe not in RECIPES:
        message = unknown("recipe", document.recipe, RECIPES)
        source.faults.append(source.fault(("recipe",), message))
        return {}
    return RECIPES[document.recipe].values


def _expand_block(block: Block, path: Path, document: Document, resolver: Resolver) -> Iterator[Trial]:
    source = resolver.source
    before = len(source.faults)
    shared = _read_factors(source, document, ()) if block is not document else []
    factors = [*shared, *_read_factors(source, block, path)]
    excluded = _read_excluded(source, block, path)
    if block is not document:
        excluded += _read_excluded(source, document, ())
    sound = len(source.faults) == before
    written: dict[str, Path] = {}
    for line in _read_methods(source, block, path, document):
        resolver.where = {axis.name: axis.path for factor in (*factors, *line.factors) for axis in factor}
        if sound and line.sound:
            written |= {str(axis_path): axis_path for axis_path in resolver.where.values()}
            yield from _product(_override(factors, line.factors), resolver, excluded)
    _report_unused(resolver, written)


@dataclass(frozen=True)
class _Line:
    """One line of `methods`."""

    factors: list[list[Axis]]
    sound: bool
    """Whether every value of it could be read."""


def _read_methods(source: Source, block: Block, path: Path, document: Document) -> list[_Line]:
    """The block's own lines, else the document's, else one empty line."""
    own = block.methods or not document.methods
    methods, methods_path = (block.methods, path) if own else (document.methods, ())
    lines = []
    for index, written in enumerate(methods):
        before = len(source.faults)
        axes = read_axes(source, written, (*methods_path, "methods", index))
        lines.append(_Line([[axis] for axis in axes], len(source.faults) == before))
    return lines or [_Line([], True)]


def _read_factors(source: Source, block: Block, path: Path) -> list[list[Axis]]:
    """Each axis of the grid alone, and the axes of each zip together."""
    factors = [[axis] for axis in read_axes(source, block.grid, (*path, "grid"))]
    for index, zipped in enumerate(block.zips()):
        zip_path: Path = (*path, "zip", index) if isinstance(block.zip, list) else (*path, "zip")
        axes = read_axes(source, zipped, zip_path)
        lengths = {axis.name: len(axis.values) for axis in axes}
        if len(set(lengths.values())) > 1:
            told = ", ".join(f"{name} has {length}" for name, length in lengths.items())
            source.faults.append(source.fault(zip_path, f"zipped axes have equal numbers of values: {told}"))
        factors.append(axes)
    return factors


def _override(factors: list[list[Axis]], line: list[list[Axis]]) -> list[Group]:
    """Factors of the product; of an axis written twice, the later place holds."""
    groups: list[Group] = []
    taken: set[str] = set()
    for factor in reversed([*factors, *line]):
        axes = [axis for axis in factor if axis.name not in taken]
        taken |= {axis.name for axis in axes}
        rows = zip(*(axis.values for axis in axes), strict=True) if axes else [()]
        groups.append([dict(zip((axis.name for axis in axes), row, strict=True)) for row in rows])
    return groups[::-1]


def _product(groups: list[Group], resolver: Resolver, excluded: list[dict[str, list[Any]]]) -> Iterator[Trial]:
    """Trials of one method line. Free fields are multiplied in last: they need no checks, and they are the many."""
    linked: list[Group] = []
    free: list[Group] = []
    for group in groups:
        (free if group[0].keys() <= _FREE else linked).append(group)
    free_values = [_merge(combination) for combination in product(*free)]
    given = resolver.recipe.keys() | {name for group in groups for name in group[0]}
    missing = [name for name in REQUIRED if name not in given]
    for name in missing:
        message = f"{name}: has no value; set it in grid or methods, or name a recipe"
        resolver.source.faults.append(resolver.source.fault((), message))
    if missing:
        return
    for combination in product(*linked):
        for base in resolver.complete(_merge(combination)):
            if isinstance(base["rho"], ChooseRho):
                yield from _chosen([base | values for values in free_values], resolver, excluded)
                continue
            for values in free_values:
                trial = Trial(**(base | values))
                if not any(_matches(trial, pattern) for pattern in excluded):
                    yield trial


def _chosen(fields: list[dict[str, Any]], resolver: Resolver, excluded: list[dict[str, list[Any]]]) -> Iterator[Trial]:
    """Trials whose ρ other results give; nothing waits for the ρ of a trial that is excluded whatever it is."""
    always = [pattern for pattern in excluded if "rho" not in pattern]
    for values in fields:
        if any(_matches(Trial(**(values | {"rho": PLACEHOLDER})), pattern) for pattern in always):
            continue
        rho = resolver.chosen(values)
        if rho is None:
            continue
        trial = Trial(**(values | {"rho": rho}))
        if not any(_matches(trial, pattern) for pattern in excluded):
            yield trial


def _merge(combination: tuple[dict[str, Any], ...]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for part in combination:
        merged |= part
    return merged


def _read_excluded(source: Source, block: Block, path: Path) -> list[dict[str, list[Any]]]:
    patterns = []
    for index, written in enumerate(block.exclude):
        # As a list, because a lone number for the seed would be read as a count of seeds.
        listed = {name: raw if isinstance(raw, list) else [raw] for name, raw in written.items()}
        axes = read_axes(source, listed, (*path, "exclude", index))
        patterns.append({axis.name: axis.values for axis in axes})
    return patterns


def _matches(trial: Trial, pattern: dict[str, list[Any]]) -> bool:
    values = trial.__dict__ | dict(trial.settings)
    return all(values.get(name) in wanted for name, wanted in pattern.items())


def _report_unused(resolver: Resolver, written: dict[str, Path]) -> None:
    for path in written.values():
        name = str(path[-1])
        if name in AXES and name not in FIELDS and path not in resolver.used:
            message = f"is a setting that nothing chosen here has; drop {name}, or choose what has it"
            resolver.source.faults.append(resolver.source.fault(path, message, at_key=True))
