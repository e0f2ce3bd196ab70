"""SQL: how names and texts enter a statement, and how a database is opened. What a store holds is never a statement.

A store may come from a stranger. So values reach DuckDB as parameters; where only text will do, as for the names of
columns, it goes through here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import count
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


_SHARED: dict[int, duckdb.DuckDBPyConnection] = {}
"""The instance of each process: a forked process must not use its parent's, whose threads it lacks."""
_NUMBERS = count()


@contextmanager
def opened() -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty database in memory, for our own statements only: it shares its settings with others.

    It lives in this process's one instance of DuckDB, because starting another takes twenty times as long.
    """
    own = f"own_{next(_NUMBERS)}"
    shared = _having(own)
    try:
        with shared.cursor() as connection:
            connection.execute(f"USE {own}")
            yield connection
    finally:
        _detach(shared, own)


def isolated(**config: Any) -> duckdb.DuckDBPyConnection:
    """An instance of DuckDB with settings of its own, for statements of others.

    Like all of ours, it neither sees Python's variables nor fetches or loads extensions.
    """
    import duckdb

    return duckdb.connect(":memory:", config=_CLOSED | config)


def _having(own: str) -> duckdb.DuckDBPyConnection:
    """This process's instance, with a new database of this name."""
    import duckdb

    # An error within DuckDB itself ends all use of an instance.
    with suppress(KeyError, duckdb.Error):
        return _attach(_SHARED[os.getpid()], own)
    _SHARED[os.getpid()] = isolated()
    return _attach(_SHARED[os.getpid()], own)


def _attach(shared: duckdb.DuckDBPyConnection, own: str) -> duckdb.DuckDBPyConnection:
    # Threads share the instance, but no cursor.
    with shared.cursor() as cursor:
        cursor.execute(f"ATTACH ':memory:' AS {own}")
    return shared


def _detach(shared: duckdb.DuckDBPyConnection, own: str) -> None:
    import duckdb

    with suppress(duckdb.Error), shared.cursor() as cursor:
        cursor.execute(f"DETACH {own}")


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
