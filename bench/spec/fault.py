"""Faults: what is wrong with a sweep file, where, and what would be right."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from bench.errors import UserError


@dataclass(frozen=True, order=True)
class Fault:
    """One fault, printed as `file:line:column: field: what is wrong; did you mean …; valid: …`."""

    file: str
    line: int
    """1-based; 0 for a value from the command line or a file that can't be read."""
    column: int
    field: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {self.field}: {self.message}" if self.field else f"{place}: {self.message}"


class SpecError(UserError):
    """All faults of a sweep file, in the order of their places."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = sorted(set(faults))
        super().__init__("\n".join(map(str, self.faults)))


def unknown(what: str, name: object, valid: Iterable[str]) -> str:
    """The message for a name that isn't one of `valid`."""
    valid = list(valid)
    close = difflib.get_close_matches(str(name), valid, n=1)
    meant = f"; did you mean {close[0]}" if close else ""
    return f"unknown {what} {name!r}{meant}; valid: {', '.join(valid)}"
