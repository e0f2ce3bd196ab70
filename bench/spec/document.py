"""Document: the shape of a sweep file, before its axes are read."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from bench.resources import EarlyStopping, Resources, Retries
from bench.spec.fault import Fault, unknown
from bench.spec.source import Path, Source

Axes = dict[str, Any]
"""Axis → value or list of values."""


class Block(BaseModel):
    """A product of axes times a union of methods."""

    model_config = ConfigDict(extra="forbid")

    grid: Axes = Field(default_factory=dict)
    zip: Axes | list[Axes] = Field(default_factory=list)
    methods: list[Axes] = Field(default_factory=list)
    exclude: list[Axes] = Field(default_factory=list)

    def zips(self) -> list[Axes]:
        """The groups of axes that advance together."""
        return self.zip if isinstance(self.zip, list) else [self.zip]


class Document(Block):
    """A whole sweep file. What stands outside `blocks` holds for every block."""

    title: str
    recipe: str | None = None
    blocks: list[Block] = Field(default_factory=list)
    measures: list[str] = Field(default_factory=lambda: ["test_accuracy"])
    resources: Resources = Field(default_factory=Resources)
    retries: Retries = Field(default_factory=Retries)
    early_stopping: EarlyStopping | None = None
    paper: str | None = None


def read_document(source: Source) -> Document:
    """The document, without what is wrong with its shape, which goes to `source.faults`; so the rest is checked too."""
    data = source.data
    try:
        return Document.model_validate(data)
    except ValidationError as error:
        details = error.errors()
    faults = {_path(detail): _shape_fault(source, detail) for detail in reversed(details)}
    source.faults += faults.values()
    for path in faults:
        data = _without(data, path)
    return Document.model_validate({"title": "", **data})


def check_value(adapter: TypeAdapter[Any], value: Any) -> tuple[Any, str | None]:
    """`value` as its field's type and None, or anything and what is wrong with it."""
    try:
        return adapter.validate_python(value, strict=True), None
    except ValidationError as error:
        detail = error.errors()[0]
        return None, f"{_lower(detail['msg'])}, not {value!r}"


def _shape_fault(source: Source, detail: Any) -> Fault:
    path = _path(detail)
    if detail["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        return source.fault(path, unknown("key", path[-1], _valid_keys(path)), at_key=True)
    if detail["type"] == "missing":
        return source.fault(path, "is missing")
    return source.fault(path, f"{_lower(detail['msg'])}, not {detail['input']!r}")


def _path(detail: Any) -> Path:
    """Where in the document; pydantic adds the tried member of a union, such as `list[dict[str,any]]`."""
    return tuple(key for key in detail["loc"] if isinstance(key, int) or key.isidentifier())


def _without(value: Any, path: Path) -> Any:
    """`value` without what is at `path`."""
    key, rest = path[0], path[1:]
    if isinstance(value, dict):
        kept = {name: item for name, item in value.items() if name != key}
        return kept | ({key: _without(value[key], rest)} if rest and key in value else {})
    if isinstance(value, list) and isinstance(key, int):
        return [_without(item, rest) if i == key and rest else item for i, item in enumerate(value) if rest or i != key]
    return value


def _valid_keys(path: Path) -> list[str]:
    if path[0] in _PARTS:
        return sorted(field.name for field in fields(_PARTS[path[0]]))
    return list(Block.model_fields if path[0] == "blocks" else Document.model_fields)


_PARTS: dict[str | int, type] = {
    "resources": Resources,
    "retries": Retries,
    "early_stopping": EarlyStopping,
}


def _lower(message: str) -> str:
    return message[0].lower() + message[1:].removesuffix(".")
