"""A page as Markdown: pipe tables and lists of notes."""

from __future__ import annotations

import re

from bench.board.page.page import Page
from bench.board.page.table import Grid, TableCell, spread
from bench.escape import visible


def markdown(page: Page) -> str:
    """Tables with `<br>` between the lines of a cell, as GitHub shows them."""
    parts = [f"### {_escaped(page.title)}", "", *(line for said in page.lead for line in (_paragraph(said), ""))]
    for grid in page.grids:
        heading = [f"#### {_escaped(grid.caption)}", ""] if grid.caption != page.title else []
        parts += [*heading, *_table(grid), ""]
    notes = [f"  - {_paragraph(note)}" if note.startswith(" ") else f"- {_paragraph(note)}" for note in page.notes]
    return "\n".join([*parts, *notes, ""])


def _table(grid: Grid) -> list[str]:
    lines = [
        _pipe([_escaped(grid.corner), *(_escaped(title, "<br>") for title in grid.joined_titles("\n"))]),
        _pipe(["---"] * (grid.width + 1)),
    ]
    for block in grid.blocks:
        if block.heading:
            lines.append(_pipe([f"*{_escaped(block.heading)}*", *[""] * grid.width]))
        lines += [_pipe([_escaped(line.label), *(_cell(entry) for entry in spread(line))]) for line in block.lines]
    return lines


def _cell(entry: TableCell) -> str:
    value = _escaped(entry.text)
    if entry.bold:
        value = f"**{value}**"
    if entry.underline:
        value = f"<u>{value}</u>"
    if entry.marks:
        value += f"<sup>{_escaped(entry.marks)}</sup>"
    return "<br>".join([value, *map(_escaped, entry.details)])


_SPECIAL = re.compile(r"[\\`*~$|<>\[\]&]|(?<![^\W_])_|_(?![^\W_])")
"""What Markdown or HTML in it would take for its own; a line within a word is only a line."""
_BEGIN = re.compile(r"#|([+=-]|\d+[.)])(?=\s|$|[=-])")
"""At the start of a line: a heading, a list, a rule."""


def _escaped(text: str, line_end: str = " ") -> str:
    """The text as it is, whatever is in it; controls are written out."""
    return line_end.join(_SPECIAL.sub(r"\\\g<0>", visible(line)) for line in text.split("\n"))


def _paragraph(text: str) -> str:
    escaped = _escaped(text.strip())
    begin = _BEGIN.match(escaped)
    return f"{begin[0][:-1]}\\{begin[0][-1]}{escaped[begin.end() :]}" if begin else escaped


def _pipe(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
