"""Faults: what is wrong in a sweep file, where, and what would be right."""

from __future__ import annotations

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
