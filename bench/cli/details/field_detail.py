"""Field detail: what a sweep may vary: a field of every trial, or a setting that only some entries have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_type_hints

from rich import box
from rich.table import Table
from rich.text import Text

from bench.cli.details.detail import Detail, pairs
from bench.cli.render.setting_types import type_in_words
from bench.cli.render.usage import as_yaml
from bench.measures import MEASURES
from bench.registry import Setting
from bench.store.read.columns import described_fields
from bench.sweep.fields import REGISTRIES
from bench.trial import DEFAULTS, FIELDS, Trial


def field_details(name: str) -> Iterator[Detail]:
    """The field and the setting of this name, as far as there are such."""
    if name in FIELDS and name != "settings":
        yield _of_field(name)
    if owners := list(_owners(name)):
        yield _of_setting(name, owners)


def setting_names() -> set[str]:
    """All settings that entries have."""
    registries = (*REGISTRIES.values(), MEASURES)
    return {name for registry in registries for entry in registry.values() for name in entry.settings}


def _of_field(name: str) -> Detail:
    values = type_in_words(get_type_hints(Trial, include_extras=True)[name])
    default = {"default": DEFAULTS[name]} if name in DEFAULTS else {}
    record = {"kind": "field", "name": name, "summary": described_fields(Trial)[name], "type": values, **default}
    if name not in DEFAULTS:
        told = "none: every sweep names it, or its recipe"
    else:
        told = "follows from others" if DEFAULTS[name] is None else as_yaml(DEFAULTS[name]) or "none"
    return Detail(record, [Text(str(record["summary"])), pairs([("values", values), ("default", told)])])


def _owners(name: str) -> Iterator[tuple[str, str, Setting]]:
    for registry in (*REGISTRIES.values(), MEASURES):
        for entry_name, entry in registry.items():
            if name in entry.settings:
                yield registry.kind, entry_name, entry.settings[name]


def _of_setting(name: str, owners: list[tuple[str, str, Setting]]) -> Detail:
    table = Table("of", "values", "default", "what it is", box=box.SIMPLE_HEAD, pad_edge=False)
    of = []
    for kind, entry_name, setting in owners:
        values = type_in_words(setting.type)
        default = None if setting.required else setting.default
        told = "none: name it" if setting.required else as_yaml(default)
        table.add_row(*map(Text, (f"{kind} {entry_name}", values, told, setting.summary)))
        of.append({"kind": kind, "name": entry_name, "type": values, "default": default, "summary": setting.summary})
    return Detail({"kind": "setting", "name": name, "of": of}, [table])
