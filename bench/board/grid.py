"""Grid: a table as every format prints it, with titles over several columns, blocks of lines and marked entries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

EMPTY = "–"


@dataclass(frozen=True)
class Entry:
    """What stands in one place of a table."""

    text: str
    details: tuple[str, ...] = ()
    """Lines below it."""
    bold: bool = False
    underline: bool = False
    marks: str = ""
    """Letters of footnotes: `a,c`."""
    span: int = 1
    """Columns that it goes over."""


@dataclass(frozen=True)
class Title:
    """A title over `span` columns."""

    text: str
    span: int = 1


@dataclass(frozen=True)
class Line:
    """One line of a table: a label and what follows it."""

    label: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Block:
    """Lines under a heading of their own; the only block of a table has none."""

    heading: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Grid:
    """A table: levels of titles, each over all columns, and blocks of lines."""

    caption: str
    corner: str
    """Title of the labels."""
    titles: tuple[tuple[Title, ...], ...]
    """From the widest level to the narrowest."""
    blocks: tuple[Block, ...]

    @property
    def width(self) -> int:
        """Number of columns beside the labels."""
        return sum(title.span for title in self.titles[-1])

    def joined_titles(self, separator: str) -> list[str]:
        """One title per column: its titles of all levels, for formats without titles over several columns."""
        levels = [[title.text for title in level for _ in range(title.span)] for level in self.titles]
        return [separator.join(text for text in texts if text) for texts in zip(*levels, strict=True)]


def spread(line: Line) -> Iterator[Entry]:
    """One entry per column: after one that goes over several, empty ones."""
    for entry in line.entries:
        yield entry
        yield from [Entry("")] * (entry.span - 1)
