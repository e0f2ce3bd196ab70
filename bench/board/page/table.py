"""Table: what every format prints, with multi-column titles, blocks of rows and marked entries."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TypeVar

EMPTY = "–"


@dataclass(frozen=True)
class TableCell:
    """What stands in one place of a table."""

    text: str
    details: tuple[str, ...] = ()
    """Lines below it."""
    bold: bool = False
    underline: bool = False
    marks: str = ""
    """Letters of footnotes: `a,c`."""
    span: int = 1
    """Number of columns that it spans."""


@dataclass(frozen=True)
class Title:
    """A title over `span` columns."""

    text: str
    span: int = 1


@dataclass(frozen=True)
class TableRow:
    """One line of a table: a label and what follows it."""

    label: str
    entries: tuple[TableCell, ...]


@dataclass(frozen=True)
class Section:
    """Lines under a heading of their own; the only block of a table has none."""

    heading: str
    lines: tuple[TableRow, ...]


@dataclass(frozen=True)
class Grid:
    """A table: levels of titles, each over all columns, and blocks of lines."""

    caption: str
    corner: str
    """Title of the labels."""
    titles: tuple[tuple[Title, ...], ...]
    """From the widest level to the narrowest."""
    blocks: tuple[Section, ...]
    alike: bool = True
    """Whether columns are of one kind, so that on a narrow page some may stand below the others."""

    @property
    def width(self) -> int:
        """Number of columns beside the labels."""
        return sum(title.span for title in self.titles[-1])

    def joined_titles(self, separator: str) -> list[str]:
        """One title per column: its titles of all levels, for formats without titles over several columns."""
        levels = [[title.text for title in level for _ in range(title.span)] for level in self.titles]
        return [separator.join(text for text in texts if text) for texts in zip(*levels, strict=True)]

    def between(self, start: int, end: int) -> Grid:
        """The columns from `start` up to `end`, exclusive; no title may span either edge."""
        titles = tuple(_within(level, start, end) for level in self.titles)
        return replace(
            self,
            titles=titles,
            blocks=tuple(
                Section(
                    block.heading,
                    tuple(TableRow(each.label, _within(each.entries, start, end)) for each in block.lines),
                )
                for block in self.blocks
            ),
        )


def parts(grid: Grid, fits: Callable[[Grid], bool]) -> list[Grid]:
    """The grid; if it doesn't fit and its columns are alike, split at its widest titles into grids that do."""
    if fits(grid) or not grid.alike:
        return [grid]
    ends = list(accumulate(title.span for title in grid.titles[0]))
    found, start = [], 0
    while start < grid.width:
        later = [end for end in ends if end > start]
        end = max((end for end in later if fits(grid.between(start, end))), default=later[0])
        found.append(grid.between(start, end))
        start = end
    return found


def _within(items: Sequence[Spanning], start: int, end: int) -> tuple[Spanning, ...]:
    places = accumulate((item.span for item in items), initial=0)
    return tuple(item for item, place in zip(items, places, strict=False) if start <= place < end)


Spanning = TypeVar("Spanning", TableCell, Title)


def spread(line: TableRow) -> Iterator[TableCell]:
    """One entry per column: one that spans several is followed by empty ones."""
    for entry in line.entries:
        yield entry
        yield from [TableCell("")] * (entry.span - 1)
