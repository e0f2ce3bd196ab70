"""Console: what commands print tables and messages with; separate because rich is slow to import."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.measure import Measurement
from rich.padding import Padding
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from bench.escape import visible


class Safe(Console):
    """A console that sends no control characters but its own, and takes no text for its markup."""

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=visible(segment.text))


out = Safe()
err = Safe(stderr=True)
_WIDE = Safe(width=10_000)


def show(content: RenderableType) -> None:
    """Print tables as wide as the window, or, where the output goes to a file or a pager, as wide as they are."""
    if out.is_terminal:
        out.print(_fitted(content))
    else:
        needed = Measurement.get(_WIDE, _WIDE.options, content).maximum
        Safe(width=max(out.width, needed)).print(content)


def is_too_wide(content: RenderableType) -> bool:
    """Whether the window can't hold the content even with a line for each word."""
    return out.is_terminal and Measurement.get(_WIDE, _WIDE.options, content).minimum > out.width


def _fitted(content: RenderableType) -> RenderableType:
    """The content with its tables as lists where the window would cut words of them."""
    if isinstance(content, Group):
        return Group(*map(_fitted, content.renderables))
    if isinstance(content, Table) and content.show_header and is_too_wide(content):
        return _as_list(content)
    return content


def _as_list(table: Table) -> RenderableType:
    """The first column's cells as headings, with what is beside each below it."""
    parts: list[RenderableType] = []
    for first, *others in zip(*(column.cells for column in table.columns), strict=True):
        parts.append(Text.assemble(_as_text(first), style="bold", overflow="fold"))
        for column, cell in zip(table.columns[1:], map(_as_text, others), strict=True):
            # Numbers below each other belong to lines that are side by side in a table alone.
            lines = Text(", ").join(cell.split("\n")) if column.justify == "right" else cell
            if lines.plain:
                told = Text.assemble(_as_text(column.header), ": ", lines, overflow="fold")
                parts.append(Padding(told, (0, 0, 0, 2)))
    return Group(*parts)


def _as_text(cell: RenderableType) -> Text:
    assert isinstance(cell, str | Text), "cells are words"
    return Text(cell) if isinstance(cell, str) else cell
