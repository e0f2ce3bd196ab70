"""Planned: what would fail in training or measuring, found by `plan` and `run` beforehand.

Commands that read results skip these checks: their trials exist already, and asking timm takes seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from bench import data, models
from bench.errors import UserError
from bench.measures.applicable import inapplicable
from bench.measures.names import Measure, MeasureError, parse
from bench.resources import Resources
from bench.sweep.document import Document
from bench.sweep.file.source import Source
from bench.tasks import unshareable
from bench.trial import Trial
from bench.trial.content import TIMM, without_content
from bench.validation import Path

_SAMPLES = "fisher_samples"


class Obstacle(NamedTuple):
    """A value that can't be had, and why."""

    field: str
    value: Any
    message: str


def check_planned(source: Source, document: Document, trials: Sequence[Trial]) -> None:
    """Report values that a trial can't be trained with, and measures that no trial can have."""
    for check in (_batches, _samples, _timm):
        for problem in dict.fromkeys(check(trials)):
            source.report(_place(document, problem.field, problem.value), problem.message)
    for fault in dict.fromkeys(_processes(document.resources, trials)):
        source.report(("resources",), fault)
    for index, text in enumerate(document.measures or ()):
        if reason := _never_taken(text, trials):
            source.report(("measures", index), f"{text} {reason}")


def _batches(trials: Sequence[Trial]) -> Iterator[Obstacle]:
    for name, size, fraction in {(t.dataset, t.batch_size, t.val_fraction) for t in trials}:
        images = _training_images(name, fraction)
        if images is not None and size > images:
            yield Obstacle("batch_size", size, f"batch_size = {size} {_more_than(images, name, fraction)}; lower it")


def _processes(resources: Resources, trials: Sequence[Trial]) -> Iterator[str]:
    """Trials that the requested processes can't share; `gpus: auto`, which depends on the machine, counts as one."""
    processes = resources.nodes * resources.processes_per_node(1 if resources.gpus == "auto" else resources.gpus)
    if processes > 1:
        one_each = {(trial.dataset, trial.batch_size, trial.m): trial for trial in trials}
        yield from filter(None, (unshareable(trial, processes) for trial in one_each.values()))


def _samples(trials: Sequence[Trial]) -> Iterator[Obstacle]:
    sizes = {(t.dataset, int(t.setting(_SAMPLES)), t.val_fraction) for t in trials if _SAMPLES in dict(t.settings)}
    for name, samples, fraction in sizes:
        images = _training_images(name, fraction)
        if images is not None and samples > images:
            message = f"{_SAMPLES} = {samples} {_more_than(images, name, fraction)}; lower it"
            yield Obstacle(_SAMPLES, samples, message)


def _more_than(images: int, name: str, fraction: float) -> str:
    held_out = f" that val_fraction = {fraction:g} leaves" if fraction else ""
    return f"is more than the {images:,} training images of {without_content(name)}{held_out}"


@lru_cache
def _training_images(name: str, fraction: float) -> int | None:
    # Remembered, since to list a large folder takes seconds; the name of one has what is in it.
    images = data.training_images(name)
    return images if images is None else images - round(fraction * images)


def _timm(trials: Sequence[Trial]) -> Iterator[Obstacle]:
    asked: tuple[tuple[str, Callable[[str], None]], ...] = (
        ("model", models.check_timm), ("init_from", models.check_timm_weights)
    )  # fmt: skip
    for field, check in asked:
        for name in sorted({name for trial in trials if (name := getattr(trial, field)).startswith(TIMM)}):
            try:
                check(name)
            except UserError as error:
                yield Obstacle(field, name, str(error))


def _never_taken(text: str, trials: Sequence[Trial]) -> str:
    """Why no trial can have the measure; empty if one can."""
    try:
        measure = parse(text)
    except MeasureError:
        # Told already.
        return ""
    reasons = {_why_not(measure, name, fraction) for name, fraction in {(t.dataset, t.val_fraction) for t in trials}}
    return "" if "" in reasons else min(reasons, default="")


def _why_not(measure: Measure, name: str, fraction: float) -> str:
    reason = inapplicable(measure.entry, name, validated=fraction > 0 or data.entry(name).validated)
    images = _training_images(name, fraction)
    if reason or images is None or "m" not in measure.arguments:
        return reason
    first, m = min(int(measure.arguments["samples"]), images), int(measure.arguments["m"])
    return f"has no batch of m = {m} in {first:,} training images; choose a smaller m" if m > first else ""


def _place(document: Document, field: str, value: Any) -> Path:
    """Where a value was written; the top of the file if it comes from a recipe or a default."""
    for path, axes in document.written():
        given = axes.get(field)
        if isinstance(given, list) and value in given:
            return (*path, field, given.index(value))
        if field in axes and given == value:
            return (*path, field)
    return ()
