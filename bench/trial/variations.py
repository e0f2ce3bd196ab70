"""Variations: many trials at once, which differ in fields that nothing else follows from.

What they share is resolved, checked and written as JSON once, and each value of a varying field once, so that a trial
is little more than a hash. The trials and their ids are those that the constructor makes one by one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bench.trial import DERIVED_FROM, DIGITS, FIELDS, SCHEMA_FRAGMENT, SORTED, Trial, fragment


class Variations:
    """Rows of values for the same fields, to be combined with what several groups of trials share."""

    def __init__(self, rows: Sequence[Mapping[str, Any]]) -> None:
        names = [name for name in SORTED if name in rows[0]]
        self._plain = not DERIVED_FROM & rows[0].keys()
        self._names = frozenset(names)
        self._rows = [(row, tuple(fragment(name, row[name]) for name in names)) for row in rows]

    def of(self, shared: Mapping[str, Any]) -> Iterator[Trial]:
        """A trial for each row."""
        if not self._plain:
            yield from (Trial(**{**shared, **row}) for row, _ in self._rows)
            return
        first = Trial(**{**shared, **self._rows[0][0]})
        fields = {name: getattr(first, name) for name in FIELDS}
        template = self._template(fields)
        for row, fragments in self._rows:
            trial = object.__new__(Trial)
            trial_id = hashlib.sha256((template % fragments).encode()).hexdigest()[:DIGITS]
            object.__setattr__(trial, "__dict__", {**fields, **row, "trial_id": trial_id})
            yield trial

    def _template(self, fields: Mapping[str, Any]) -> str:
        """The canonical JSON, with a place for each field that varies."""
        parts = ("%s" if name in self._names else fragment(name, fields[name]).replace("%", "%%") for name in SORTED)
        return "{" + "".join(parts) + SCHEMA_FRAGMENT
