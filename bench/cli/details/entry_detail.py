"""Entry detail: what a registry says about a name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import fields
from typing import Any

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from bench import data, models, plugins
from bench.cli.details.detail import Detail, listed, pairs
from bench.cli.details.hooks import own_hooks
from bench.cli.render import catalog
from bench.cli.render.usage import USES, as_yaml, use
from bench.data import TEST_SETS, files_of
from bench.measures import MEASURES
from bench.papers.sam_on.recipes import RECIPES
from bench.plugins.kinds import KINDS, PluginError
from bench.registry import DatasetEntry, Entry, MeasureEntry, TestSetEntry, VariantEntry
from bench.sweep.fields import REGISTRIES
from bench.sweep.plugin_use import PluginName, origins
from cluster.launcher import LAUNCHERS

_REGISTRIES: dict[str, plugins.Registry[Any]] = {registry.kind: registry for registry in REGISTRIES.values()} | {
    "measure": MEASURES,
    "launcher": LAUNCHERS,
}
_ELSEWHERE: dict[str, tuple[Callable[[str], str], Callable[[str], Entry]]] = {
    "dataset": (data.canonical, data.entry),
    "model": (models.canonical, models.entry),
}
"""Kinds with names beyond their registry."""
_APART = frozenset(
    {
        "summary",
        "source",
        "settings",
        "passes",
        "later",
        "fake",
        "light",
        "of_outputs",
        "digits",
        "own_settings",
        "tuples",
    }
)  # fmt: skip
"""Members of a record that are told in words of their own, or not to people."""


def entry_details(name: str) -> list[Detail]:
    """Every entry that is called so; PluginError or ValueError of a name that is written as one and can't be used."""
    found, faults = [], list[ValueError]()
    for kind in _REGISTRIES:
        try:
            found.append(_looked_up(kind, name.partition("[")[0] if kind in ("scope", "measure") else name))
        except KeyError:
            continue
        except ValueError as error:
            faults.append(error)
    if name in TEST_SETS:
        found.append(_detail("test set", name, TEST_SETS[name]))
    if name in RECIPES:
        found.append(_of_recipe(name))
    if found or not faults:
        return found
    if all(isinstance(fault, PluginError) for fault in faults) and ":" in name:
        raise PluginError(f"{name} isn't recorded in the store, and show imports nothing: run a sweep that names it")
    raise next((fault for fault in faults if not isinstance(fault, PluginError)), faults[0])


def _looked_up(kind: str, name: str) -> Detail:
    canonical, entry = _ELSEWHERE.get(kind, (_REGISTRIES[kind].canonical, _REGISTRIES[kind].__getitem__))
    try:
        known = canonical(name)
        return _detail(kind, known, entry(known), _origin(kind, known))
    except PluginError as error:
        if name in plugins.entry_points_of(kind):
            return _not_imported(kind, name)
        raise error


def _detail(kind: str, name: str, entry: Entry, origin: Mapping[str, str] | None = None) -> Detail:
    record = {"kind": kind, **catalog.record(name, entry), **(origin or {})}
    base = KINDS[kind].base if kind in KINDS else ""
    if base:
        record["hooks"], record["declares"] = own_hooks(entry.target, base)
    if kind in USES:
        record["use"] = use(kind, name, entry.settings)
    usual = {each.name: each.default for each in fields(entry)}
    remarkable = [(key, value) for key, value in record.items() if key in usual.keys() - _APART and value != usual[key]]
    told = [*_told(record, entry), *((key.replace("_", " "), _worded(value)) for key, value in remarkable)]
    return Detail(record, list(_parts(record, [*told, *(origin or {}).items()])))


def _parts(record: Mapping[str, Any], told: list[tuple[str, str]]) -> Iterator[RenderableType]:
    yield Text(record["summary"])
    yield pairs(told)
    if record["settings"]:
        yield _settings(record["settings"])
    if "use" in record:
        yield pairs([("use" if record["kind"] == "launcher" else "in a sweep", record["use"])])


def _told(record: Mapping[str, Any], entry: Entry) -> Iterator[tuple[str, str]]:
    """What is said in words of its own."""
    yield "source", record["source"]
    if isinstance(entry, VariantEntry):
        by = " at the settings' defaults" if callable(entry.passes) else ""
        passes = record["passes"]
        yield "passes a step", "only a run tells" if passes is None else f"{passes:.3g}{by}"
    yield "hooks", ", ".join(record.get("hooks", ()))
    yield "declares", ", ".join(f"{name} = {value}" for name, value in record.get("declares", {}).items())
    yield "pretrained", listed([*record.get("pretrained", ())])
    if isinstance(entry, DatasetEntry | TestSetEntry):
        files = files_of(entry)
        yield "files", catalog.where(entry) + (f": {files.root}" if files else "")
    if isinstance(entry, MeasureEntry) and entry.later:
        yield "taken", f"after the training, by `sambench measure SWEEP {record['name']}`"


def _worded(value: object) -> str:
    """Nothing for what says nothing: None, no and 0."""
    if value in (None, False, 0, ""):
        return ""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_worded(each)}" for name, each in value.items())
    if isinstance(value, list | tuple):
        return " ".join(map(_worded, value))
    return "yes" if value is True else f"{value:,}" if isinstance(value, int) else str(value)


def _settings(settings: Mapping[str, Mapping[str, Any]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("setting", "values", "default", "what it is"):
        table.add_column(title, no_wrap=title in ("setting", "default"))
    for name, each in settings.items():
        default = "the library's" if each["default"] is None else as_yaml(each["default"])
        told = "none: name it" if each["required"] else default
        table.add_row(*map(Text, (name, each["type"], told, each["summary"])))
    return table


def _origin(kind: str, name: str) -> dict[str, str]:
    """Of a plug-in, its file, distribution and version, as far as they are here."""
    if not _REGISTRIES[kind].is_path(name):
        return {}
    return origins([PluginName(kind, name)])[name]


def _not_imported(kind: str, name: str) -> Detail:
    """An entry point that no store knows: what is said of it without importing it."""
    point = plugins.entry_points_of(kind)[name]
    path = point.value.replace(" ", "")
    record: dict[str, Any] = {"kind": kind, "name": name, "path": path, "use": use(kind, name)}
    with suppress(AttributeError):
        record["distribution"] = f"{point.dist.name} {point.dist.version}"  # type: ignore[union-attr]
    told = f"A plug-in that isn't recorded in the store: `sambench list {_listed_as(kind)}` imports it."
    shown = {key: value for key, value in record.items() if key not in ("kind", "name")}
    return Detail(record, [Text(told), pairs(shown.items())])


def _listed_as(kind: str) -> str:
    return "data" if kind == "dataset" else KINDS[kind].plural


def _of_recipe(name: str) -> Detail:
    recipe = RECIPES[name]
    fields = {
        field: {"value": each.value, "source": each.source, "guess": each.guess}
        for field, each in recipe.fields.items()
    }
    record: dict[str, Any] = {
        "kind": "recipe",
        "name": name,
        "summary": recipe.summary,
        "fields": fields,
        "use": use("recipe", name),
    }
    return Detail(record, [Text(recipe.summary), catalog.recipe_values(recipe), pairs([("in a sweep", record["use"])])])
