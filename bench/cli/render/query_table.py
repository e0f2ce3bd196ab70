"""Query table: what `query` prints; separate from the overviews because it needs only the rows."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from bench.store import Rows

LINES = 1000
"""Rows that a table shows at most: it is laid out whole, which takes a minute for a million."""


def as_table(answer: Rows) -> Table:
    """The rows of a query as a table, of many the first."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=box.SIMPLE_HEAD)
    for name in answer.names:
        # As text, because rich takes what is in brackets for its own markup.
        shown.add_column(Text(name))
    for row in answer.rows[:LINES]:
        shown.add_row(*(Text(_cell(value)) for value in row))
    return shown


def as_shown(answer: Rows) -> RenderableType:
    """The table, or a line for each value where the window is too narrow for so many columns."""
    from bench.cli.render.console import is_too_wide

    table = as_table(answer)
    return _as_lines(answer) if is_too_wide(table) else table


def _as_lines(answer: Rows) -> Table:
    from rich.table import Table
    from rich.text import Text

    lines = Table.grid(padding=(0, 2))
    lines.add_column(no_wrap=True, style="dim")
    lines.add_column(overflow="fold")
    for row in answer.rows[:LINES]:
        for name, value in zip(answer.names, row, strict=True):
            lines.add_row(Text(name), Text(_cell(value)))
        lines.add_row()
    return lines


def as_csv(answer: Rows) -> str:
    """The rows of a query as CSV with a header."""
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(answer.names)
    writer.writerows(answer.rows)
    return sink.getvalue()


def as_json(answer: Rows) -> str:
    """The rows of a query as a list of objects."""
    return json.dumps([dict(zip(answer.names, row, strict=True)) for row in answer.rows], indent=1, default=str)


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
