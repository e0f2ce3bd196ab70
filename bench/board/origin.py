"""Origin: what a result was made with, and footnotes for results that were made with something else than most."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

FIELDS = {"device": "device", "commit": "commit", "torch": "torch", "world_size": "processes"}
"""What must be the same for two results to be compared without a remark, and what it is called."""

COLUMNS = ("device", "git_commit", "git_dirty", "torch", "world_size")
"""Columns of the view `results` that an origin is made of."""


@dataclass(frozen=True)
class Origin:
    """The machine and the code behind one result."""

    device: str
    commit: str
    torch: str
    world_size: str

    @classmethod
    def of(cls, result: Mapping[str, Any]) -> Origin:
        """From a row of the view `results`; what wasn't recorded is `unknown`."""
        commit = str(result.get("git_commit") or "unknown")[:10]
        return cls(
            device=str(result.get("device") or "unknown"),
            commit=f"{commit} with changes" if result.get("git_dirty") else commit,
            torch=str(result.get("torch") or "unknown"),
            world_size=str(result.get("world_size") or "unknown"),
        )


@dataclass(frozen=True)
class Footnotes:
    """A letter for each value that differs from that of most results."""

    usual: Mapping[str, str]
    """Field → value of most results."""
    letters: Mapping[tuple[str, str], str]
    """(field, other value) → letter."""
    counts: Mapping[tuple[str, str], int]
    """(field, value) → number of results."""

    @classmethod
    def of(cls, origins: Sequence[Origin]) -> Footnotes:
        counts = Counter((field, getattr(origin, field)) for origin in origins for field in FIELDS)
        # Sorted first, so that of equally frequent values the same one is usual in every run.
        ordered = sorted(counts, key=lambda pair: (list(FIELDS).index(pair[0]), -counts[pair], pair[1]))
        usual: dict[str, str] = {}
        letters: dict[tuple[str, str], str] = {}
        for field, value in ordered:
            if usual.setdefault(field, value) != value:
                letters[field, value] = _letter(len(letters))
        return cls(usual, letters, counts)

    def marks(self, origins: Sequence[Origin]) -> str:
        """Letters of all that is unusual about these results: `a,c`."""
        pairs = {(field, getattr(origin, field)) for origin in origins for field in FIELDS}
        return ",".join(sorted((self.letters[pair] for pair in pairs & self.letters.keys()), key=_order))

    def notes(self) -> list[str]:
        """What all results share, and a line for each letter."""
        mixed = {field for field, _ in self.letters}
        shared = [f"{FIELDS[field]} {value}" for field, value in self.usual.items() if field not in mixed]
        lines = [f"Made with: {', '.join(shared)}."] if shared else []
        if mixed:
            lines.append("Mixed origins, so that differences may not be the method's alone:")
        for (field, value), letter in self.letters.items():
            usual = self.usual[field]
            lines.append(
                f"  ({letter}) {FIELDS[field]} {value} in {_results(self.counts[field, value])}; "
                f"{usual} in {_results(self.counts[field, usual])}."
            )
        return lines


def _results(count: int) -> str:
    return f"{count} result{'s' if count != 1 else ''}"


def _letter(index: int) -> str:
    """a, b, …, z, aa, ab, …"""
    whole, rest = divmod(index, 26)
    return (_letter(whole - 1) if whole else "") + chr(ord("a") + rest)


def _order(letter: str) -> tuple[int, str]:
    return len(letter), letter
