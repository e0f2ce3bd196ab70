"""Catalog: what the registries hold, for people (`sambench list`) and for programs (`--json`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench.cli.render.entry_points import Added, added
from bench.cli.render.setting_types import type_in_words
from bench.data import DATASETS, TEST_SETS, files_of
from bench.data.augmentations import AUGMENTATIONS
from bench.data.fake_names import FORM
from bench.data.files.location import data_root
from bench.measures import MEASURES
from bench.models import MODELS
from bench.models.pretrained.tags import PRETRAINED
from bench.optim.library import FORMS as LIBRARIES
from bench.optim.registry import OPTIMIZERS
from bench.papers.sam_on.recipes import RECIPES, Recipe
from bench.registry import DatasetEntry, Entry, ModelEntry, Setting, TestSetEntry, VariantEntry
from bench.sam import SCOPES, VARIANTS
from bench.sam.cost import declared_passes
from cluster.launcher import LAUNCHERS

CATALOGS: dict[str, Mapping[str, Entry]] = {
    "variants": VARIANTS,
    "scopes": SCOPES,
    "models": MODELS,
    "data": {**DATASETS, **TEST_SETS},
    "augmentations": AUGMENTATIONS,
    "optimizers": OPTIMIZERS,
    "measures": MEASURES,
    "launchers": LAUNCHERS,
}
"""What can be listed, beside recipes, which are no entries."""

_ENDINGS = {
    "optimizers": f"Also {' and '.join(LIBRARIES)}, with its arguments as settings: beta1 and beta2 for betas.",
    "models": "Size: parameters, for 10 classes at 32×32 pixels or 1,000 at 224×224. timm/NAME is a model of timm.",
    "data": f"Also your own images as folder:PATH (train/CLASS/*.jpg beside val/ or test/) and sentence pairs as "
    f"parallel:PATH; random images as {FORM}.",
    "measures": "Settings follow the name in brackets: sharpness[rho=0.003].",
}
_HIDDEN = ("target", "settings", "arguments", "files", "passes")
"""Fields of records that say where code is, not what it does."""


def catalog(kind: str) -> RenderableType:
    """A table with a line for each entry: what it is, its size, its source and its settings."""
    if kind == "recipes":
        return recipes()
    entries = CATALOGS[kind]
    sized, sourced, settled = (
        any(column(entry) for entry in entries.values())
        for column in (_size, lambda entry: entry.source, lambda entry: entry.settings)
    )
    titles = ["name", "what it is", *["size"] * sized, *["source"] * sourced, *["settings"] * settled]
    table = _table(*titles)
    for name, entry in entries.items():
        settings = "\n".join(_setting(key, setting) for key, setting in entry.settings.items())
        cells = [name, entry.summary, *[_size(entry)] * sized, *[entry.source] * sourced, *[settings] * settled]
        table.add_row(*map(Text, cells))
    for each in added(kind):
        table.add_row(*map(Text, _added_cells(each, titles)))
    ending = _ENDINGS.get(kind, "")
    if kind == "data":
        ending += f" Searched in {data_root()}; --data-root or SAMBENCH_DATA sets another folder."
    weights = [_pretrained()] if kind == "models" else []
    more = Text("`sambench show NAME` has the details.")
    return Group(table, *([Text(ending)] if ending else []), *weights, more)


def records(kind: str) -> list[dict[str, Any]]:
    """The same as plain JSON values."""
    if kind == "recipes":
        return [
            {"name": name, "summary": each.summary, "values": each.values, "guesses": sorted(each.guesses)}
            for name, each in RECIPES.items()
        ]
    own = [record(name, entry) for name, entry in CATALOGS[kind].items()]
    return own + [_added_record(each) for each in added(kind)]


def recipes() -> RenderableType:
    """One line per recipe."""
    table = _table("recipe", "what it is for")
    for name, recipe in RECIPES.items():
        table.add_row(name, recipe.summary)
    return Group(table, Text("`sambench show NAME` has a recipe's values and their sources."))


def recipe(name: str, shown: Recipe) -> RenderableType:
    """What it is for, and its values."""
    return Group(Text(f"{name}: {shown.summary}", style="bold"), recipe_values(shown))


def recipe_values(shown: Recipe) -> RenderableType:
    """Every value with its source; guesses stand out."""
    table = _table("field", "value", "source")
    for field, each in shown.fields.items():
        style = "yellow" if each.guess else ""
        value = f"{each.value:g}" if isinstance(each.value, float) else str(each.value)
        table.add_row(field, value, each.source, style=style)
    guesses = f"{len(shown.guesses)} of them are guesses." if shown.guesses else "None of them is a guess."
    return Group(table, Text(guesses))


def record(name: str, entry: Entry) -> dict[str, Any]:
    """All that a registry says of one entry, as plain JSON values."""
    told = {each.name: getattr(entry, each.name) for each in fields(entry) if each.name not in _HIDDEN}
    settings = {
        key: {
            "type": type_in_words(setting.type),
            "default": None if setting.required else setting.default,
            "required": setting.required,
            "summary": setting.summary,
        }
        for key, setting in entry.settings.items()
    }
    there = {"there": where(entry) in _THERE} if isinstance(entry, DatasetEntry | TestSetEntry) else {}
    passes = {"passes": declared_passes(entry)} if isinstance(entry, VariantEntry) else {}
    return {"name": name, **told, "settings": settings, **passes, **there, **_prepared(name, entry)}


def _added_cells(each: Added, titles: list[str]) -> list[str]:
    """A line for an entry point, which tells where it is from."""
    entry = each.entry
    told = f"{entry.summary if entry else each.fault}\n{each.path}, of {each.distribution}"
    settings = "\n".join(_setting(*item) for item in entry.settings.items()) if entry else ""
    cells = {"name": each.name, "what it is": told, "settings": settings, "source": entry.source if entry else ""}
    return [cells.get(title, "") for title in titles]


def _added_record(each: Added) -> dict[str, Any]:
    told = record(each.name, each.entry) if each.entry else {"name": each.name, "fault": each.fault}
    return told | {"path": each.path, "distribution": each.distribution}


def _prepared(name: str, entry: Entry) -> dict[str, Any]:
    """Of a model, how its images are prepared, and those of each pretrained tag that fits it."""
    if not isinstance(entry, ModelEntry):
        return {}
    tags = {tag: each for tag, each in PRETRAINED.items() if each.model == name}
    pretrained = {tag: {**asdict(each.preprocessing), "zero_init": each.zero_init} for tag, each in tags.items()}
    return {"preprocessing": entry.preprocessing and asdict(entry.preprocessing), "pretrained": pretrained}


def _pretrained() -> RenderableType:
    table = _table("init_from", "fits", "mean", "std", "crop", "interpolation", "zero_init")
    for tag, each in PRETRAINED.items():
        wanted = each.preprocessing
        mean, std = (" ".join(f"{value:g}" for value in values) for values in (wanted.mean, wanted.std))
        table.add_row(tag, each.model, mean, std, f"{wanted.crop:g}", wanted.interpolation, str(each.zero_init).lower())
    return table


def _setting(name: str, setting: Setting) -> str:
    if setting.required:
        return f"{name}=…: {setting.summary}; has no default"
    default = f"{setting.default:g}" if isinstance(setting.default, float) else str(setting.default)
    if isinstance(setting.default, bool):
        default = default.lower()
    return f"{name}={default}: {setting.summary}"


def _size(entry: Entry) -> str:
    if isinstance(entry, ModelEntry):
        return f"{entry.parameters:,}" if entry.parameters else ""
    if isinstance(entry, DatasetEntry):
        return "; ".join(filter(None, (entry.shape, where(entry))))
    return where(entry) if isinstance(entry, TestSetEntry) else ""


def where(entry: DatasetEntry | TestSetEntry) -> str:
    """Whether a data set is here."""
    files = files_of(entry)
    if files is None:
        return _OURS
    try:
        return _HERE if files.root.is_dir() else "not found"
    except PermissionError:
        return "not readable by you"


_OURS, _HERE = "comes with sambench", "found"
_THERE = (_OURS, _HERE)


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
