"""Query table: what `query` prints, apart from the overviews because it needs nothing but the rows."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

    from bench.store import Rows


def as_table(answer: Rows) -> Table:
    """The rows of a query as a table."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=box.SIMPLE_HEAD)
    for name in answer.names:
        # As text, because rich takes what is in brackets for its own markup.
        shown.add_column(Text(name))
    for row in answer.rows:
        shown.add_row(*(Text(_cell(value)) for value in row))
    return shown


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
