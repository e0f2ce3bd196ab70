"""Mixed: the warning about a query over trials of several schemas."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb


_log = logging.getLogger(__name__)

COLUMN = "trial_schema"
"""Says under which meaning of its fields a trial was recorded."""


def remark_on_schemas(connection: duckdb.DuckDBPyConnection, select: str) -> None:
    """Log a warning if the trials that a statement reads are of several schemas, and it doesn't look at which."""
    if COLUMN in select.lower():
        return
    found = connection.execute(f"SELECT {COLUMN}, count(*) FROM trials GROUP BY 1 ORDER BY 1").fetchall()
    if len(found) > 1:
        counted = ", ".join(f"{count} of schema {schema}" for schema, count in found)
        _log.warning(
            "the trials are %s, and the meaning of some fields changed in between: group by %s, or choose, "
            "such as WHERE %s = %s",
            counted, COLUMN, COLUMN, found[-1][0],
        )  # fmt: skip
