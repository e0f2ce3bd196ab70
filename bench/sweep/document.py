"""Document: the shape of a sweep file, before its axes are read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bench.errors import nearest, shown, unknown
from bench.resources import EarlyStopping, Resources, Retries
from bench.sweep.fields import AXES
from bench.sweep.file.source import Source
from bench.validation import Path, problems

Axes = dict[str, Any]
"""Axis → value or list of values."""


class Block(BaseModel):
    """A product of axes times a union of methods."""

    model_config = ConfigDict(extra="forbid")

    grid: Axes = Field(default_factory=dict)
    zip: Axes | list[Axes] = Field(default_factory=list)
    methods: list[Axes] = Field(default_factory=list)
    exclude: list[Axes] = Field(default_factory=list)

    def zips(self) -> list[tuple[Path, Axes]]:
        """The groups of axes that advance together, each with its place in the block."""
        if isinstance(self.zip, list):
            return [(("zip", index), axes) for index, axes in enumerate(self.zip)]
        return [(("zip",), self.zip)]

    def written(self) -> list[tuple[Path, Axes]]:
        """All that gives fields their values, each with its place in the block."""
        methods = [(("methods", index), axes) for index, axes in enumerate(self.methods)]
        return [(("grid",), self.grid), *self.zips(), *methods]


class Document(Block):
    """A whole sweep file. What stands outside `blocks` holds for every block."""

    title: str
    recipe: str | None = None
    blocks: list[Block] = Field(default_factory=list)
    measures: list[str] | None = None
    resources: Resources = Field(default_factory=Resources)
    retries: Retries = Field(default_factory=Retries)
    early_stopping: EarlyStopping | None = None
    rows: list[str] = Field(default_factory=list)
    columns: list[str] = Field(default_factory=list)
    paper: str | None = None
    guesses: dict[str, str] = Field(default_factory=dict)

    def written(self) -> list[tuple[Path, Axes]]:
        """The same of the whole file, its blocks included."""
        blocks = enumerate(self.blocks)
        within = [(("blocks", index, *path), axes) for index, block in blocks for path, axes in block.written()]
        return [*super().written(), *within]


def read_document(source: Source) -> Document:
    """The document without its malformed parts, which go to `source.faults`, so that the rest is checked too."""
    try:
        return Document.model_validate(source.data)
    except ValidationError as error:
        found = problems(error, source.data, _unknown_key)
        bad = set()
        for problem in found:
            source.spoil(problem.path, problem.message, at_key=problem.at_key)
            bad.add(problem.path)
    return Document.model_validate({"title": "", **_without(source.data, bad)})


def _without(value: Any, bad: set[Path], path: Path = ()) -> Any:
    """`value` without what stands at the paths of `bad`; items of lists keep their index, and become empty."""
    if isinstance(value, dict):
        return {key: _without(item, bad, (*path, key)) for key, item in value.items() if (*path, key) not in bad}
    if isinstance(value, list):
        empty: Any = "" if path in (("measures",), ("rows",), ("columns",)) else {}
        return [
            empty if (*path, index) in bad else _without(item, bad, (*path, index)) for index, item in enumerate(value)
        ]
    return value


def _unknown_key(path: Path) -> str:
    """The message for a key that isn't allowed there, with the place where it is."""
    key = str(path[-1])
    valid = (
        sorted(_keys_of(_PARTS[path[0]])) if path[0] in _PARTS else _keys_of(Block if path[0] == "blocks" else Document)
    )
    if home := home_of(key, valid):
        return f"unknown key {shown(key)} here: {home}"
    return unknown("key", key, valid)


def home_of(key: str, valid: Iterable[str]) -> str | None:
    """Where a key belongs that doesn't stand among `valid`: `put it under grid`."""
    homes = dict.fromkeys(_keys_of(Document), "at the top level of the file")
    homes |= {name: f"under {part}" for part, kind in _PARTS.items() for name in _keys_of(kind)}
    homes |= dict.fromkeys(AXES, "under grid")
    homes |= dict.fromkeys(valid, "")
    meant = key if key in homes else nearest(key, homes)
    if meant is None or not homes[meant]:
        return None
    return f"put it {homes[meant]}" if meant == key else f"did you mean {meant}? put it {homes[meant]}"


def _keys_of(kind: Any) -> list[str]:
    return list(kind.model_fields) if issubclass(kind, BaseModel) else [field.name for field in fields(kind)]


_PARTS: dict[str | int, type] = {
    "resources": Resources,
    "retries": Retries,
    "early_stopping": EarlyStopping,
}
