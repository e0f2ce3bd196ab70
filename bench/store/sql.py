"""SQL: how names and texts enter a statement, and how a connection is opened. What a store holds is never a statement.

A store may come from a stranger. So values reach DuckDB as parameters; where only text will do, as for the names of
columns, it goes through here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb


Columns = Mapping[str, str]
"""Columns of a file, each with its type."""

LONGEST = 255
"""Characters of a name."""

_CLOSED: dict[str, Any] = {
    "python_enable_replacements": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
}


def opened(**config: Any) -> duckdb.DuckDBPyConnection:
    """A database in memory that neither sees Python's variables nor fetches or loads extensions."""
    import duckdb

    return duckdb.connect(":memory:", config=_CLOSED | config)


def is_name(text: str) -> bool:
    """Whether a column may be called so: printable, so that nobody takes it for more than a name."""
    return text.isprintable() and 0 < len(text) <= LONGEST


def name(text: str) -> str:
    """A name as SQL, whatever is in it; ValueError if nothing may be called so."""
    if not is_name(text):
        raise ValueError(f"{text[:LONGEST]!r} can't be a column: it is empty, too long or has control characters")
    return '"' + text.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as SQL; ValueError if it can't be in a statement."""
    if "\0" in text:
        raise ValueError(f"{text[:LONGEST]!r} can't be in a statement: it has a null character")
    return "'" + text.replace("'", "''") + "'"


def literals(texts: Any) -> str:
    """A list of texts as SQL."""
    return f"[{', '.join(map(literal, texts))}]"
