"""Declarations: the records of plug-ins, kept so that readers of the store don't have to import them.

`STORE/plugins/` has a file for each different record, so that classes of two authors with the same path are both kept;
the newest counts. A record is data, never code, and what it names is never imported.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, Literal, Union

from bench.plugins import Recorded
from bench.plugins.kinds import KINDS, facts_of
from bench.registry import Entry, Setting
from bench.store import files
from bench.store.files import plain, seal
from bench.store.store import Store

FOLDER = "plugins"
"""Of a store."""


def write(store: Store, declared: Iterable[Recorded], origins: Mapping[str, Mapping[str, str]]) -> None:
    """Store the records of plug-ins and where they come from."""
    for each in declared:
        folder = store.root / FOLDER
        files.make_folder(folder)
        described = _described(each) | {"origin": dict(origins[each.entry.target])}
        name = hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()[:16]
        files.write(folder / f"{name}.json", seal.sealed_json({**described, "recorded": time.time()}))


def read(stores: Sequence[Store]) -> list[Recorded]:
    """The records of all stores, the newest last; damaged ones are left out."""
    found = []
    for store in stores:
        for name in plain.names(store.root / FOLDER):
            try:
                found.append(_restored(seal.read_json(plain.read(store.root / FOLDER / name))))
            except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
                continue
    return [recorded for _, recorded in sorted(found, key=lambda each: each[0])]


def copy(source: Store, target: Store) -> None:
    """Copy the records that the target lacks."""
    for name in sorted(plain.names(source.root / FOLDER) - plain.names(target.root / FOLDER)):
        files.make_folder(target.root / FOLDER)
        files.write(target.root / FOLDER / name, plain.read(source.root / FOLDER / name))


def _described(recorded: Recorded) -> dict[str, Any]:
    entry = recorded.entry
    told = asdict(replace(entry, settings={}))
    settings = {
        name: {"type": _plain_type(setting.type), "default": setting.default, "summary": setting.summary}
        for name, setting in entry.settings.items()
    }
    return {
        "kind": recorded.kind,
        "path": entry.target,
        "name": recorded.name,
        "record": {name: told[name] for name in ("summary", *facts_of(KINDS[recorded.kind]))},
        "settings": settings,
    }


def _restored(held: Mapping[str, Any]) -> tuple[float, Recorded]:
    # Here and below, because pydantic takes longer to import than the store.
    from pydantic import TypeAdapter

    kind = KINDS[held["kind"]]
    settings = {
        str(name): Setting(type=_type(each["type"]), default=each["default"], summary=str(each["summary"]))
        for name, each in held["settings"].items()
    }
    record = {name: held["record"][name] for name in ("summary", *facts_of(kind)) if name in held["record"]}
    entry: Entry = TypeAdapter(kind.record).validate_python({**record, "target": held["path"]})
    recorded = Recorded(held["kind"], replace(entry, settings=settings), str(held["name"]))
    return float(held["recorded"]), recorded


def _plain_type(annotation: Any) -> Any:
    """A type as JSON schema, without its bounds, which were checked when the trial was planned."""
    from bench.validation import adapter

    return _without_bounds(adapter(annotation).json_schema())


def _without_bounds(schema: Mapping[str, Any]) -> dict[str, Any]:
    if "anyOf" in schema:
        return {"anyOf": [_without_bounds(each) for each in schema["anyOf"]]}
    return {key: schema[key] for key in ("type", "enum", "const") if key in schema}


_TYPES: dict[str, Any] = {"number": float, "integer": int, "boolean": bool, "string": str}


def _type(schema: Mapping[str, Any]) -> Any:
    if "anyOf" in schema:
        return Union[tuple(_type(each) for each in schema["anyOf"])]  # noqa: UP007
    if "enum" in schema or "const" in schema:
        return Literal[tuple(schema.get("enum", [schema.get("const")]))]
    return _TYPES[schema["type"]]
