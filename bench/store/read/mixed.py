"""Mixed: the warning for a query over trials of several schemas, so that nobody averages over them unawares."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from bench.store.read.trial_rows import SCHEMA_COLUMN

if TYPE_CHECKING:
    import duckdb


_log = logging.getLogger(__name__)


def remark_on_schemas(connection: duckdb.DuckDBPyConnection, select: str) -> None:
    """Log a warning if the trials that a statement reads are of several schemas, and it doesn't look at which."""
    if SCHEMA_COLUMN in select.lower():
        return
    found = connection.execute(f"SELECT {SCHEMA_COLUMN}, count(*) FROM trials GROUP BY 1 ORDER BY 1").fetchall()
    if len(found) > 1:
        counted = ", ".join(f"{count} of schema {schema}" for schema, count in found)
        _log.warning(
            "the trials are %s, and the meaning of some fields changed in between: group by %s, or choose, "
            "such as WHERE %s = %s",
            counted, SCHEMA_COLUMN, SCHEMA_COLUMN, found[-1][0],
        )  # fmt: skip
