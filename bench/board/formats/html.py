"""A page as one self-contained HTML file, readable on a phone, in print and in dark mode."""

from __future__ import annotations

from html import escape

from bench.board.page.page import Page
from bench.board.page.table import Grid, TableCell, TableRow

TABLE_STYLE = """
.wide { overflow-x: auto; }
table { border-collapse: collapse; border-top: 2px solid; border-bottom: 2px solid; margin: 1rem 0;
  font-size: .92rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding-bottom: .4rem; }
th, td { padding: .3rem .55rem; text-align: center; vertical-align: top; white-space: nowrap; }
tbody th { text-align: left; font-weight: normal; }
tr > th:first-child { position: sticky; left: 0; background: var(--page); text-align: left; }
thead tr:last-child th { border-bottom: 1px solid; }
.block th { font-style: italic; border-top: 1px solid; }
.block span { position: sticky; left: .55rem; }
.best { text-decoration: underline; }
small { display: block; opacity: .75; }
sup { font-size: .7em; line-height: 0; }
@media print {
  .wide { overflow: visible; }
  table { font-size: 8pt; }
  th, td { padding: .15rem .3rem; }
  tr { break-inside: avoid; }
  tr > th:first-child { position: static; }
}
"""
"""What a table looks like; `--page` is the colour behind it."""

_STYLE = """
:root { color-scheme: light dark; --page: Canvas; }
body { font: 16px/1.45 system-ui, sans-serif; margin: 1.5rem auto; max-width: 84rem; padding: 0 1rem; }
h1 { font-size: clamp(1.25rem, 4vw, 1.8rem); line-height: 1.25; }
@media print { @page { margin: 12mm; } body { margin: 0; max-width: none; padding: 0; font-size: 10pt; } }
"""

_NARROW = 6
"""Columns that fit beside the labels on a page in portrait."""


def html(page: Page) -> str:
    """The whole file."""
    lead = "".join(f"<p>{escape(said)}</p>" for said in page.lead)
    body = [f"<h1>{escape(page.title)}</h1>", lead, fragment(page)]
    landscape = "@page { size: landscape; }" if any(grid.width > _NARROW for grid in page.grids) else ""
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            '<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(page.title)}</title><style>{TABLE_STYLE}{_STYLE}{landscape}</style></head>",
            f"<body>{''.join(body)}</body>",
            "</html>",
            "",
        ]
    )


def fragment(page: Page) -> str:
    """The tables and the notes alone, to be embedded in another page."""
    return "".join([*(table(grid, page.title) for grid in page.grids), _notes(page.notes)])


def table(grid: Grid, page_title: str) -> str:
    """One table, with its caption where that isn't the title of the page."""
    caption = f"<caption>{escape(grid.caption)}</caption>" if grid.caption != page_title else ""
    parts = [f'<div class="wide"><table>{caption}<thead>{_titles(grid)}</thead>']
    for block in grid.blocks:
        heading = f'<tr class="block"><th colspan="{grid.width + 1}"><span>{escape(block.heading)}</span></th></tr>'
        lines = "".join(map(_line, block.lines))
        parts.append(f"<tbody>{heading if block.heading else ''}{lines}</tbody>")
    return "".join([*parts, "</table></div>"])


def _titles(grid: Grid) -> str:
    rows = []
    for level, titles in enumerate(grid.titles):
        corner = escape(grid.corner) if level == len(grid.titles) - 1 else ""
        cells = "".join(f'<th colspan="{title.span}">{escape(title.text)}</th>' for title in titles)
        rows.append(f"<tr><th>{corner}</th>{cells}</tr>")
    return "".join(rows)


def _line(line: TableRow) -> str:
    return f"<tr><th>{escape(line.label)}</th>{''.join(map(_cell, line.entries))}</tr>"


def _cell(entry: TableCell) -> str:
    value = escape(entry.text)
    if entry.bold:
        value = f"<strong>{value}</strong>"
    if entry.underline:
        value = f'<span class="best">{value}</span>'
    if entry.marks:
        value += f"<sup>{escape(entry.marks)}</sup>"
    details = "".join(f"<small>{escape(detail)}</small>" for detail in entry.details)
    span = f' colspan="{entry.span}"' if entry.span > 1 else ""
    return f"<td{span}>{value}{details}</td>"


def _notes(notes: tuple[str, ...]) -> str:
    """Notes as a list; those that begin with spaces belong to the one before."""
    items: list[str] = []
    for note in notes:
        text = escape(note.strip())
        if note.startswith(" ") and items:
            items[-1] += f"<br>{text}"
        else:
            items.append(text)
    return f"<ul>{''.join(f'<li>{item}</li>' for item in items)}</ul>"
