"""A page for the terminal: rich tables and the notes below them."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench.board.grid import Entry, Grid, spread
from bench.board.page import Page


def terminal(page: Page) -> RenderableType:
    """The better scope bold, the best of a column underlined, footnote letters in brackets."""
    return Group(*(_table(grid) for grid in page.grids), Text("\n".join(page.notes)))


def _table(grid: Grid) -> Table:
    table = Table(title=Text(grid.caption), title_justify="left", title_style="bold", show_lines=True)
    table.add_column(Text(grid.corner), no_wrap=True)
    for title in grid.joined_titles("\n"):
        table.add_column(Text(title))
    for block in grid.blocks:
        if block.heading:
            table.add_row(Text(block.heading, style="italic"))
        for line in block.lines:
            table.add_row(Text(line.label), *(_text(entry) for entry in spread(line)))
    return table


def _text(entry: Entry) -> Text:
    text = Text(entry.text)
    text.stylize(" ".join(word for word in ("bold", "underline") if getattr(entry, word)))
    text.append(f" ({entry.marks})" if entry.marks else "")
    text.append("".join(f"\n{detail}" for detail in entry.details))
    return text
