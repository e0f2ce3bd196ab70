"""Smoke: any sweep shrunk to seconds on a CPU, to see that it runs from end to end.

Images are random and tiny, models are the smallest of their kind, one epoch is trained: the numbers say nothing.
Shrunk trials have ids of their own, so they never mix with real ones.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bench import data, models, tasks
from bench.measures import entry
from bench.registry import CLASSIFICATION, MeasureEntry
from bench.resources import Resources
from bench.sweep import Sweep
from bench.trial import Trial

BATCH = 16
IMAGES = 64
CLASSES = 4
SIDE = 8
TOKENS = 512
"""Of a batch of text."""
SENTENCES = 8
"""Of a micro-batch of it."""
RADII = 2
"""Values of ρ that are kept of each search: its smallest and its largest."""

SMALLEST = {"resnet": "resnet8", "vit": "vit_mini", "transformer": "transformer_tiny"}
"""Family → the model that replaces every larger one of it."""
SMALL = frozenset({"resnet8", "resnet20", "wrn16_2", "vit_mini", "transformer_tiny"})
"""Models that are small enough as they are."""
HELD_OUT = 0.125
"""Smallest share of the images to hold out where there is a validation split."""


def smoke(sweep: Sweep) -> Sweep:
    """The shrunk sweep, marked as such."""
    trials = {twin.trial_id: twin for twin in twins(sweep.trials).values()}
    measures = tuple(name for name in sweep.measures if _takes_seconds(entry(name)))
    return replace(
        sweep,
        name=f"{sweep.name}-smoke",
        title=f"SMOKE TEST, the numbers say nothing: {sweep.title}",
        trials=tuple(trials.values()),
        held=tuple({twin.trial_id: twin for twin in twins(sweep.held).values()}.values()),
        measures=measures or tuple(task.measure for task in tasks.of_trials(trials.values())),
        resources=Resources(gpus=0),
        early_stopping=None,
        notes=("smoke test: tiny data and models, one epoch; the numbers say nothing", *sweep.notes),
    )


def _takes_seconds(measure: MeasureEntry) -> bool:
    return not measure.trained_on and (measure.light or not measure.later)


def twins(trials: Sequence[Trial]) -> Mapping[str, Trial]:
    """Id → the shrunk trial, for the first seed and few ρ of each group that differs in nothing else."""
    groups: dict[str, list[Trial]] = {}
    for trial in trials:
        groups.setdefault(replace(trial, seed=0, rho=None).trial_id, []).append(trial)
    return {trial.trial_id: _shrunk(trial) for group in groups.values() for trial in _few(group)}


def _few(group: Sequence[Trial]) -> list[Trial]:
    """Of trials that differ in ρ and seed alone: one seed, and the ends of the search."""
    seed = group[0].seed
    by_rho = {trial.rho: trial for trial in group if trial.seed == seed}
    kept = sorted(by_rho, key=lambda rho: rho or 0.0)
    return [by_rho[rho] for rho in dict.fromkeys((*kept[: RADII - 1], kept[-1]))]


def _shrunk(trial: Trial) -> Trial:
    # A user's own model belongs to no family and is kept.
    model = trial.model if trial.model in SMALL else SMALLEST.get(models.entry(trial.model).family, trial.model)
    settings = {name: value for name, value in trial.settings if name != "bpe_merges"}
    if "fisher_samples" in settings:
        settings["fisher_samples"] = min(int(settings["fisher_samples"]), BATCH)
    return replace(
        trial,
        **_DATA[models.entry(model).task](trial),
        model=model,
        init_from="",
        preprocessing=None,
        scope=_scope(trial.scope, models.entry(model).stages),
        epochs=1,
        warmup_epochs=0,
        warmup_steps=0,
        cooldown_epochs=0,
        perturb_from=0,
        perturb_until=None,
        lr=min(trial.lr, 0.01),
        min_lr=0.0,
        compile=False,
        settings=tuple(sorted(settings.items())),
    )


def _images(trial: Trial) -> dict[str, Any]:
    """A tiny data set of as many channels, whose classes are large enough to hold a part of them out."""
    found = data.images(trial.dataset)
    channels, validation = found.in_channels, trial.val_fraction or found.validated
    held_out = max(trial.val_fraction, HELD_OUT) if validation else 0.0
    name = f"fake:{IMAGES}x{channels}x{SIDE}x{CLASSES}"
    size = {"batch_size": BATCH, "m": _micro_batch(trial)}
    return {"dataset": name, "image_size": None, "val_fraction": held_out, **size}


def _sentences(trial: Trial) -> dict[str, Any]:
    """A made-up language, in batches of some sentences."""
    m = TOKENS if trial.m in (None, trial.batch_size) else SENTENCES
    return {"dataset": "toy_translation", "batch_size": TOKENS, "m": m}


_DATA: dict[str, Callable[[Trial], dict[str, Any]]] = {CLASSIFICATION: _images, "translation": _sentences}
"""Task → the fields of a trial that say on what it is trained, made tiny."""


def _micro_batch(trial: Trial) -> int:
    """m in the same proportion to the batch, as a power of two, and at least 2 for the sake of batch norm."""
    share = (trial.m or trial.batch_size) / trial.batch_size
    m = BATCH
    while m > 2 and m > share * BATCH:
        m //= 2
    return m


def _scope(scope: str, stages: int) -> str:
    """`only_norm[5]` of a model with three stages becomes `only_norm[3]`."""
    name, _, listed = scope.partition("[")
    if not listed:
        return scope
    numbers = sorted({min(int(number), stages) for number in re.findall(r"\d+", listed)})
    return f"{name}[{','.join(map(str, numbers))}]"
