"""Quantities: which measures, with which settings, are columns of `results`, and under which names."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Iterable
from functools import lru_cache

from bench.measures.names import column
from bench.store import sql

_log = logging.getLogger(__name__)


def wide(quantities: Iterable[tuple[str | None, str | None]], taken: Collection[str]) -> dict[str, tuple[str, str]]:
    """Column → measure and settings. What can't be a column, or clashes with one in `taken`, is logged."""
    found: dict[str, tuple[str, str]] = {}
    used = {name.lower() for name in taken}
    for measure, settings in dict.fromkeys(quantities):
        try:
            name = _column(measure, settings)
        except ValueError as error:
            _warn(repr(measure), str(error))
            continue
        # DuckDB ignores case.
        if name.lower() in used:
            _warn(repr(name), "there is another column of this name")
        else:
            used.add(name.lower())
            found[name] = (str(measure), str(settings))
    return found


def _column(measure: str | None, settings: str | None) -> str:
    """The name of the column; ValueError if there can't be one."""
    if not measure or settings is None:
        raise ValueError("it has no name or no settings")
    held = json.loads(settings)
    if not isinstance(held, dict) or not all(isinstance(value, str | int | float) for value in held.values()):
        raise ValueError(f"its settings are no object of plain values: {settings!r}")
    name = column(measure, settings)
    sql.name(name)
    return name


@lru_cache(maxsize=1024)
def _warn(measure: str, reason: str) -> None:
    # Cached, so that each is logged once, however often the store is read.
    _log.warning("measure %s: no column of `results`: %s; the table `measures` has it", measure, reason)
