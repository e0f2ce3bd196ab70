"""Code: which parts of the code a trial executes, a fingerprint of each, and which results other code made.

A part is the training, the step, or the entry of a registry that the trial names. Parts are compared by their names, so
that trials of different methods can be compared as far as they share any. A measure has a fingerprint of its own.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from bench import models
from bench.data import DATASETS, TEST_SETS
from bench.data.augmentations import AUGMENTATIONS
from bench.fingerprint import digest, has_source, of_entry, of_object
from bench.measures import MEASURES
from bench.models import MODELS
from bench.optim import library
from bench.optim.registry import OPTIMIZERS
from bench.plugins import Registry
from bench.registry import CLASSIFICATION, TaskEntry
from bench.sam import SCOPES, VARIANTS
from bench.store import Readable, connect
from bench.tasks import TASKS
from bench.trial import NONE, Trial
from bench.trial.content import without_content

FIELDS = ("dataset", "augment", "model", "init_from", "optimizer", "variant", "scope")
"""Fields that say which entries are in play."""
UNRECORDED = "unrecorded"
"""Stands for all parts of a result whose code nobody recorded."""
ABSENT = ""
"""Fingerprint of a plug-in whose source isn't here, so that nothing can be said of it."""

_TRAINING = (
    "bench.train.training:Training", "bench.trial:Trial.total_epochs", "bench.trial:Trial.perturbs",
    "bench.trial:Trial.setting",
)  # fmt: skip
_STEP, _PLAIN = "bench.sam.step:SharpnessAware", "bench.sam.plain:Plain"
_PRETRAINED = "bench.models.pretrained.fit:load_pretrained"
_FOLDER = ("bench.data.imagenet:load_folder", "bench.data.files.folders:UserFolder")
_PARALLEL = ("bench.data.text.preparation:load", "bench.data.text.parallel:ParallelFiles")
_APART = frozenset(
    {_STEP, _PLAIN, _PRETRAINED, _FOLDER[1], "bench.registry:", "bench.plugins:", "bench.plugins.kinds:"}
)
"""Code that is no part of the training, or that has a part of its own."""


def parts_of(trial: Trial) -> dict[str, str]:
    """Part → fingerprint, of the code as it is now."""
    return dict(_parts(*_in_play({name: getattr(trial, name) for name in FIELDS})))


def as_columns(parts: Mapping[str, str]) -> dict[str, str]:
    """What an attempt keeps of them: all as one fingerprint, and each as JSON."""
    listed = sorted(parts.items())
    return {"code": digest(f"{name} {value}" for name, value in listed), "code_parts": json.dumps(dict(listed))}


def with_earlier(now: Mapping[str, str], then: Mapping[str, str]) -> dict[str, str]:
    """The parts of a training that was begun by other code: a part that changed has both fingerprints, `then+now`."""
    began = {name: then.get(name, value) for name, value in now.items()}
    return {
        name: began[name] if began[name].rpartition("+")[2] == value else f"{began[name]}+{value}"
        for name, value in now.items()
    }


def of_measure(name: str) -> str:
    """The fingerprint of a measure's own code; its name may have settings."""
    measure = name.partition("[")[0]
    if MEASURES.is_path(measure):
        return _of_line(MEASURES, measure)
    entry = MEASURES[measure]
    files = TEST_SETS[entry.test_set].files if entry.test_set else ""
    return digest([of_entry(entry, _APART), *([of_object(files)] if files else [])])


def by_other_code(stores: Readable, trials: Sequence[Trial]) -> dict[str, tuple[str, ...]]:
    """Done trial → its parts that differ from the current code; trials of the current code are left out."""
    wanted = {trial.trial_id: trial for trial in trials}
    select = "SELECT trial_id, code_parts FROM attempts WHERE outcome = 'done' AND NOT superseded"
    with connect(stores, ["attempts"], only=wanted) as connection:
        rows = connection.execute(select).fetchall()
    found = {trial_id: _differing(parts_of(wanted[trial_id]), text) for trial_id, text in rows}
    return {trial_id: parts for trial_id, parts in found.items() if parts}


class Others(NamedTuple):
    """Done trials of a store that the same other code made."""

    trials: int
    example: str
    """Id of one of them."""
    parts: tuple[str, ...]


def all_by_other_code(stores: Readable) -> Iterator[Others]:
    """The done trials of a store that were made by other code than the current one, grouped by what differs."""
    columns = ", ".join(FIELDS)
    select = f"SELECT {columns}, code_parts, count(*), min(trial_id) FROM results WHERE outcome = 'done' GROUP BY ALL"
    groups: dict[tuple[str, ...], list[tuple[int, str]]] = {}
    with connect(stores, ["results"]) as connection:
        for *values, text, count, example in connection.execute(select).fetchall():
            now = dict(_parts(*_in_play(dict(zip(FIELDS, values, strict=True)))))
            groups.setdefault(_differing(now, text), []).append((count, example))
    for parts, found in sorted(groups.items()):
        if parts:
            yield Others(sum(count for count, _ in found), min(example for _, example in found), parts)


def describe(found: Mapping[str, tuple[str, ...]]) -> list[str]:
    """For people: how many trials were done by other code, and which parts of it differ."""
    unknown = sum(parts == (UNRECORDED,) for parts in found.values())
    counts = Counter(part for parts in found.values() for part in parts if part != UNRECORDED)
    told = ", ".join(f"{part} ({count})" for part, count in counts.most_common())
    lines = [f"{len(found) - unknown} done by other code: {told}"] if counts else []
    return lines + ([f"{unknown} done by code that wasn't recorded"] if unknown else [])


def read_parts(text: str | None) -> dict[str, str]:
    """The parts that an attempt recorded; empty if it recorded none that can be read."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return {str(name): str(value) for name, value in found.items()} if isinstance(found, dict) else {}


def _differing(now: Mapping[str, str], text: str | None) -> tuple[str, ...]:
    then = read_parts(text)
    if not then:
        return (UNRECORDED,)
    return tuple(name for name, value in now.items() if value != ABSENT and then.get(name) != value)


def _in_play(fields: Mapping[str, Any]) -> tuple[str, ...]:
    """The fields reduced to the names of entries, without paths, tags and stages."""
    dataset = without_content(fields["dataset"])
    kind, colon, _ = dataset.partition(":")
    scope = fields["scope"].partition("[")[0]
    dataset = kind if colon and not DATASETS.is_path(dataset) else dataset
    named = {"dataset": dataset, "init_from": "yes" if fields["init_from"] else ""}
    return tuple({**fields, **named, "scope": scope}[name] for name in FIELDS)


@lru_cache(maxsize=4096)
def _parts(
    dataset: str, augment: str, model: str, init_from: str, optimizer: str, variant: str, scope: str
) -> tuple[tuple[str, str], ...]:
    plain = variant == NONE
    parts = {
        "training": digest([*(of_object(target, _APART) for target in _TRAINING), of_entry(_task(dataset), _APART)]),
        "plain step" if plain else "step": of_object(_PLAIN if plain else _STEP, _APART - {_PLAIN, _STEP}),
        f"data {dataset}": _of_data(dataset),
        f"model {model}": _of_model(model),
        f"optimizer {optimizer}": _of_optimizer(optimizer),
    }
    if augment != "none":
        parts[f"augment {augment}"] = _of_line(AUGMENTATIONS, augment)
    if init_from:
        parts["pretrained weights"] = of_object(_PRETRAINED)
    if not plain:
        parts |= {f"variant {variant}": _of_line(VARIANTS, variant), f"scope {scope}": _of_line(SCOPES, scope)}
    return tuple(sorted(parts.items()))


def _task(dataset: str) -> TaskEntry:
    """The task of a data set, which may not be registered any more."""
    if dataset == "parallel":
        return TASKS["translation"]
    return TASKS[DATASETS.own[dataset].task if dataset in DATASETS.own else CLASSIFICATION]


def _of_data(name: str) -> str:
    if name == "fake":
        return of_object("bench.data.fake:load")
    if name == "folder":
        return digest(map(of_object, _FOLDER))
    if name == "parallel":
        return digest(map(of_object, _PARALLEL))
    if name not in DATASETS.own:
        return _of_line(DATASETS, name)
    files = DATASETS.own[name].files
    return digest([_of_line(DATASETS, name), *([of_object(files)] if files else [])])


def _of_optimizer(name: str) -> str:
    """Of a library's optimizer only our own code: an attempt records the library's version by itself."""
    if library.is_library(name):
        return digest([name, of_object("bench.optim.library:construct")])
    return _of_line(OPTIMIZERS, name)


def _of_model(name: str) -> str:
    if MODELS.is_path(name):
        return _of_line(MODELS, name)
    try:
        return of_entry(models.entry(name), _APART)
    except KeyError:
        return digest([name])


def _of_line(registry: Registry[Any], name: str) -> str:
    """Of a registered entry, or of a plug-in (without importing it); any other name stands for itself."""
    if name in registry.own:
        return of_entry(registry.own[name], _APART)
    if not registry.is_path(name):
        return digest([name])
    return of_object(name) if has_source(name) else ABSENT
