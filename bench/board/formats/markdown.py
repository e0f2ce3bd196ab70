"""A page as Markdown: pipe tables and lists of notes."""

from __future__ import annotations

from bench.board.grid import Entry, Grid, spread
from bench.board.page import Page


def markdown(page: Page) -> str:
    """Tables with `<br>` between the lines of a cell, as GitHub shows them."""
    parts = [f"### {_escaped(page.title)}", "", *(line for said in page.lead for line in (said, ""))]
    for grid in page.grids:
        heading = [f"#### {_escaped(grid.caption)}", ""] if grid.caption != page.title else []
        parts += [*heading, *_table(grid), ""]
    notes = [f"  - {note.strip()}" if note.startswith(" ") else f"- {note}" for note in page.notes]
    return "\n".join([*parts, *notes, ""])


def _table(grid: Grid) -> list[str]:
    lines = [_pipe([grid.corner, *grid.joined_titles("<br>")]), _pipe(["---"] * (grid.width + 1))]
    for block in grid.blocks:
        if block.heading:
            lines.append(_pipe([f"*{_escaped(block.heading)}*", *[""] * grid.width]))
        lines += [_pipe([_escaped(line.label), *(_cell(entry) for entry in spread(line))]) for line in block.lines]
    return lines


def _cell(entry: Entry) -> str:
    value = _escaped(entry.text)
    if entry.bold:
        value = f"**{value}**"
    if entry.underline:
        value = f"<u>{value}</u>"
    if entry.marks:
        value += f"<sup>{entry.marks}</sup>"
    return "<br>".join([value, *map(_escaped, entry.details)])


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _pipe(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
