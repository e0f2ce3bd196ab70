"""Expand: from a document to its trials."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain, product
from typing import Any

from bench.errors import nearest, unknown
from bench.papers.sam_on.recipes import RECIPES
from bench.sweep.choose import ChooseRho
from bench.sweep.document import Document
from bench.sweep.expansion.equal_compute import EQUAL, EqualCompute
from bench.sweep.expansion.idle import idle
from bench.sweep.expansion.plan import EffectiveBlock, Factor, MethodLine, Pattern, read_parts, refuse_too_many, rows
from bench.sweep.expansion.resolve import LINKED, PLACEHOLDER, REQUIRED, Guess, Resolver
from bench.sweep.fields import AXES
from bench.sweep.file.source import MERGE, UNKNOWN, Source
from bench.sweep.search import Searches
from bench.trial import FIELDS, Trial
from bench.trial.variations import Variations
from bench.validation import Path

_FREE = frozenset(FIELDS) - LINKED
_PARTS = ("grid", "zip", "methods")
"""Parts of a block that give fields their values."""
_JUDGED = 10_000
"""Combinations of a faulty file that are looked at for further faults."""


def expand(
    source: Source, document: Document, searches: Searches, max_trials: int
) -> tuple[list[Trial], list[str], frozenset[Guess]]:
    """Distinct trials in the order of the file, notes, and guesses; faults go to `source.faults`."""
    trials: dict[str, Trial] = {}
    notes: dict[str, None] = {}
    guesses: set[Guess] = set()
    recipe = _recipe(source, document)
    parts = read_parts(source, document)
    refuse_too_many(source, parts, max_trials)
    budget = iter(range(_JUDGED))
    with _uncollected():
        for part in parts:
            resolver = Resolver(source, recipe, searches)
            for trial in _expand_part(part, resolver, budget):
                trials.setdefault(trial.trial_id, trial)
            notes |= resolver.notes
            guesses |= resolver.guesses
    _report_idle(source, parts, searches)
    if not trials and not source.faults and not searches.waits:
        source.report((), "expands to no trials: exclude drops every combination")
    return list(trials.values()), list(notes), frozenset(guesses)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Pauses the cyclic garbage collector, which would scan all trials again and again: they have no cycles."""
    collected = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collected:
            gc.enable()


def _recipe(source: Source, document: Document) -> dict[str, Any]:
    if document.recipe is None:
        return {}
    if document.recipe not in RECIPES:
        source.spoil(("recipe",), unknown("recipe", document.recipe, RECIPES))
        return {}
    return RECIPES[document.recipe].values


def _expand_part(part: EffectiveBlock, resolver: Resolver, budget: Iterator[int]) -> Iterator[Trial]:
    written: dict[Path, None] = {}
    equal = _equal_compute(part, resolver)
    for line in part.lines():
        resolver.where = {axis.name: axis.path for axis in line.written}
        written |= dict.fromkeys(resolver.where.values())
        missing = _missing(line, resolver)
        if resolver.source.faults:
            # Nothing will run. Look for further faults only, in which free fields play no part.
            for combination in _combinations(line, resolver.recipe):
                if next(budget, None) is None:
                    return
                resolver.judge(_unsettled(combination), missing)
        else:
            yield from _product(line, resolver, part.excluded, equal)
    _report_unused(resolver, written)


def _equal_compute(part: EffectiveBlock, resolver: Resolver) -> EqualCompute:
    """The passes of the block's variants, if a line asks for equal compute."""
    found = EqualCompute()
    if not any(EQUAL in axis.values for line in part.lines() for axis in line.written if axis.name == "epochs"):
        return found
    for line in part.lines():
        resolver.where = {axis.name: axis.path for axis in line.written}
        if resolver.source.faults or _missing(line, resolver):
            break
        _, free = _split(line, resolver.recipe)
        spans = _rows([factor for factor in free if any(axis.name in _SPAN for axis in factor)])
        for combination in _combinations(line, resolver.recipe):
            if combination.get("epochs") != EQUAL:
                for base, span in product(resolver.complete(combination), spans):
                    found.add(resolver.with_defaults(combination), base | span)
    return found


_SPAN = frozenset({"perturb_until"})
"""Free fields that passes depend on."""


def _unsettled(combination: dict[str, Any]) -> dict[str, Any]:
    """The combination, with epochs UNKNOWN where they are still to be settled by `equal-compute`."""
    return combination | {"epochs": UNKNOWN} if combination.get("epochs") == EQUAL else combination


def _missing(line: MethodLine, resolver: Resolver) -> frozenset[str]:
    """Required fields without a value; reported, unless another fault is the reason."""
    source = resolver.source
    given = resolver.recipe.keys() | {axis.name for axis in line.written}
    missing = frozenset(name for name in REQUIRED if name not in given)
    misplaced = {nearest(path[0], REQUIRED) for path in source.spoiled if len(path) == 1}
    if missing and not any(_gives_fields(path) for path in source.spoiled):
        for name in sorted(missing - misplaced):
            source.report((), f"{name}: has no value; set it in grid or methods, or name a recipe")
    return missing


def _gives_fields(path: Path) -> bool:
    """Whether a whole part stands there that may give fields their values: `blocks[1].grid`, `methods[0]`."""
    inner = path[2:] if path[0] == "blocks" else path
    if path == ("recipe",) or path[-1] == MERGE:
        return True
    return not inner or (inner[0] in _PARTS and all(isinstance(key, int) for key in inner[1:]))


def _split(line: MethodLine, recipe: Mapping[str, Any]) -> tuple[list[Factor], list[Factor]]:
    """Factors of linked and of free fields."""
    linked: list[Factor] = []
    free: list[Factor] = []
    unlinked = _FREE | idle(line, recipe)
    for factor in line.factors:
        (free if all(axis.name in unlinked for axis in factor) else linked).append(factor)
    return linked, free


def _rows(factors: Sequence[Factor]) -> list[dict[str, Any]]:
    return [_merge(combination) for combination in product(*map(rows, factors))]


def _combinations(line: MethodLine, recipe: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    linked, _ = _split(line, recipe)
    return map(_merge, product(*map(rows, linked)))


def _product(line: MethodLine, resolver: Resolver, excluded: Sequence[Pattern], equal: EqualCompute) -> Iterator[Trial]:
    """Trials of one method line. Free fields are multiplied in last: they need no checks, and they are the many."""
    _, free = _split(line, resolver.recipe)
    free_values = _rows(free)
    variations = Variations(free_values)
    settled = chain.from_iterable(equal.settled(each, resolver) for each in _combinations(line, resolver.recipe))
    for combination in settled:
        for base in resolver.complete(combination):
            if isinstance(base["rho"], ChooseRho):
                yield from _chosen([base | values for values in free_values], resolver, excluded)
                continue
            trials = variations.of(base)
            yield from (trial for trial in trials if not _excludes(excluded, trial)) if excluded else trials


def _chosen(fields: list[dict[str, Any]], resolver: Resolver, excluded: Sequence[Pattern]) -> Iterator[Trial]:
    """Trials whose ρ other results give; nothing waits for the ρ of a trial that is excluded whatever it is."""
    always = [pattern for pattern in excluded if "rho" not in pattern.wanted]
    for values in fields:
        if _excludes(always, Trial(**(values | {"rho": PLACEHOLDER}))):
            continue
        rho = resolver.chosen(values)
        if rho is None:
            continue
        trial = Trial(**(values | {"rho": rho}))
        if not _excludes(excluded, trial):
            yield trial


def _merge(combination: tuple[dict[str, Any], ...]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for part in combination:
        merged |= part
    return merged


def _excludes(patterns: Sequence[Pattern], trial: Trial) -> bool:
    values = trial.__dict__ | dict(trial.settings)
    matching = [p for p in patterns if all(values.get(name) in wanted for name, wanted in p.wanted.items())]
    for pattern in matching:
        pattern.used = True
    return bool(matching)


def _report_idle(source: Source, parts: Sequence[EffectiveBlock], searches: Searches) -> None:
    """Report patterns that match nothing, unless it is the command line or a choice to come that leaves them idle."""
    if source.faults or source.overridden or searches.waits:
        return
    for pattern in (pattern for part in parts for pattern in part.excluded if not pattern.used):
        source.report(pattern.path, "matches no combination of this sweep; drop it, or mend its values")


def _report_unused(resolver: Resolver, written: Iterable[Path]) -> None:
    for path in written:
        name = str(path[-1])
        if name in AXES and name not in FIELDS and path not in resolver.used:
            message = f"is a setting that nothing chosen here has; drop {name}, or choose what has it"
            resolver.source.report(path, message, at_key=True)
