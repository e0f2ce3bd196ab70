"""Sweeps: load a sweep file, validate it and expand it to trials.

`load` is the door. Everything that is wrong with the file is reported at once, each fault with its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.measures import MEASURES
from bench.recipes import RECIPES
from bench.resources import Resources, Retries
from bench.spec.document import Document, read_document
from bench.spec.expand import expand
from bench.spec.fault import Fault, SpecError, unknown
from bench.spec.source import Source
from bench.trial import Trial

__all__ = ["Fault", "SpecError", "Sweep", "load"]


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """What is compared: a set of trials, what is measured of them and what they need."""

    name: str
    """The file's name without its suffix."""
    file: Path
    title: str
    trials: tuple[Trial, ...]
    measures: tuple[str, ...]
    """Measures that the board shows, the first by default."""
    resources: Resources
    retries: Retries
    paper: str | None
    """Table or figure of the paper that the sweep reproduces."""
    notes: tuple[str, ...]
    """Guesses that went into the expansion."""


def load(file: Path | str, overrides: Mapping[str, str] | None = None) -> Sweep:
    """Read, validate and expand a sweep file; SpecError with all faults if any.

    `overrides` maps fields to YAML text, as `--set` gives them.
    """
    source = Source.read(file)
    source.override(overrides or {})
    document = read_document(source)
    _check_measures(source, document)
    trials, notes = expand(source, document)
    if source.faults:
        raise SpecError(source.faults)
    return Sweep(
        name=Path(file).stem,
        file=Path(file),
        title=document.title,
        trials=tuple(trials),
        measures=tuple(document.measures),
        resources=document.resources,
        retries=document.retries,
        paper=document.paper,
        notes=(*_guesses(document), *notes),
    )


def _check_measures(source: Source, document: Document) -> None:
    if not document.measures:
        source.faults.append(source.fault(("measures",), "has no values", at_key=True))
    for index, name in enumerate(document.measures):
        if name not in MEASURES:
            source.faults.append(source.fault(("measures", index), unknown("measure", name, MEASURES)))


def _guesses(document: Document) -> list[str]:
    """Values of the recipe that the paper doesn't say and the sweep leaves as they are."""
    if document.recipe is None:
        return []
    parts = [document, *document.blocks]
    written = {name for part in parts for axes in (part.grid, *part.zips(), *part.methods) for name in axes}
    guesses = {name: each for name, each in RECIPES[document.recipe].guesses.items() if name not in written}
    return [f"{document.recipe}: {name} = {each.value} is a {each.source}" for name, each in guesses.items()]
