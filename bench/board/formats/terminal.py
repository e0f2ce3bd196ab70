"""A page for the terminal: rich tables and the notes below them."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from bench.board.page.page import Page
from bench.board.page.table import Grid, TableCell, parts, spread


def terminal(page: Page) -> RenderableType:
    """The better scope bold, the best of a column underlined, footnote letters in brackets.

    A window shows the end of what is printed: that is what the tables answer.
    """
    return Group(*(_Fitted(grid) for grid in page.grids), Text("\n".join((*page.notes, *page.lead))))


@dataclass(frozen=True)
class _Fitted:
    """A grid, in a window that is too narrow for it as several tables, one below the other."""

    grid: Grid

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        def fits(grid: Grid) -> bool:
            free = options.update(width=10_000)
            return Measurement.get(console, free, _table(grid)).maximum <= options.max_width

        # Not as the table's title, which would wrap where the table ends.
        yield Text(self.grid.caption, style="bold")
        for part in parts(self.grid, fits):
            yield _table(part, firm=options.max_width >= 2 * _LABEL)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement.get(console, options, _table(self.grid))


def _table(grid: Grid, *, firm: bool = True) -> Table:
    """`firm`: labels don't wrap, as far as they aren't long."""
    table = Table()
    # Headings of blocks are longer than labels, and wrap instead of taking room from what is beside labels.
    widest = max((Text(line.label).cell_len for block in grid.blocks for line in block.lines), default=0)
    table.add_column(
        Text(grid.corner),
        min_width=min(widest, _LABEL) if grid.alike and firm else None,
        overflow="fold",
        max_width=max(widest, len(grid.corner)),
    )
    for name in grid.joined_titles("\n"):
        table.add_column(Text(name, overflow="fold"), overflow="fold")
    for block in grid.blocks:
        table.add_section()
        if block.heading:
            table.add_row(Text(block.heading, style="italic"))
        for line in block.lines:
            table.add_row(Text(line.label), *(_text(entry) for entry in spread(line)))
    return table


_LABEL = 32
"""Labels up to this width wrap only in a window that is less than twice as wide."""


def _text(entry: TableCell) -> Text:
    text = Text(entry.text)
    text.stylize(" ".join(word for word in ("bold", "underline") if getattr(entry, word)))
    text.append(f" ({entry.marks})" if entry.marks else "")
    text.append("".join(f"\n{detail}" for detail in entry.details), style="dim")
    return text
