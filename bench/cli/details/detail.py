"""Detail: what `show` says about one thing, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench.cli.render.usage import as_yaml

_LISTED = 12
"""Values that a line lists; of more it shows the first and the last."""


@dataclass(frozen=True)
class Detail:
    """One thing that a name stands for."""

    record: Mapping[str, Any]
    """For programs; `kind` and `name` say what it is."""
    parts: Sequence[RenderableType]
    """For people, below the heading."""

    def shown(self) -> RenderableType:
        """The heading and the parts."""
        return Group(Text(f"{self.record['kind']} {self.record['name']}", style="bold"), *self.parts, "")


def pairs(values: Iterable[tuple[str, str]]) -> Table:
    """A line for each value, behind what it is; those that are empty are left out."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True, style="dim")
    grid.add_column(overflow="fold")
    for name, value in values:
        if value:
            grid.add_row(Text(name), Text(value))
    return grid


def listed(values: Sequence[Any]) -> str:
    """Values one after another, many of them cut."""
    told = list(map(as_yaml, values))
    if len(told) <= _LISTED:
        return ", ".join(told)
    return f"{', '.join(told[:3])}, …, {told[-1]} ({len(told):,} values)"
