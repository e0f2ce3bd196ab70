"""Footnotes: mark results that were made with another device, code, torch or number of processes than most."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import ascii_lowercase
from typing import Any

from bench.errors import counted
from bench.sweep.code import read_parts

FIELDS = {"device": "device", "code": "code", "torch": "torch", "world_size": "processes"}
"""What must be the same for two results to be compared without a remark → how it is printed."""

COLUMNS = ("device", "code_parts", "git_commit", "git_dirty", "torch", "world_size")
"""Columns of the view `results` that an origin is made of."""

_NAMED = 3
"""Unusual values of one field, at most, that get letters of their own; more share one letter."""
_SHOWN = 7
"""Digits of a fingerprint that a note shows."""


@dataclass(frozen=True)
class Origin:
    """The machine and the code behind one result."""

    device: str
    commit: str
    torch: str
    world_size: str
    parts: tuple[tuple[str, str], ...] = ()
    """Parts of the code that executed it, with their fingerprints; none of an earlier version."""

    @classmethod
    def of(cls, result: Mapping[str, Any]) -> Origin:
        """From a row of the view `results`; what wasn't recorded is `unknown`."""
        commit = str(result.get("git_commit") or "unknown")[:10]
        parts = read_parts(result.get("code_parts"))
        if parts and result.get(MEASURE_CODE):
            parts["measure"] = str(result[MEASURE_CODE])
        return cls(
            device=str(result.get("device") or "unknown"),
            commit=f"{commit} with changes" if result.get("git_dirty") else commit,
            torch=str(result.get("torch") or "unknown"),
            world_size=str(result.get("world_size") or "unknown"),
            parts=tuple(sorted(parts.items())),
        )

    def told(self, usual: Mapping[str, str]) -> dict[str, str]:
        """Field → value; of the code, the parts that differ from the usual ones."""
        other = [f"other {name} {value[:_SHOWN]}" for name, value in self.parts if usual.get(name, value) != value]
        code = ", ".join(other) or SAME
        return {
            "device": self.device,
            "code": code if self.parts else f"commit {self.commit}",
            "torch": self.torch,
            "world_size": self.world_size,
        }


SAME = "the usual one"
"""How code without unusual parts is printed."""
MEASURE_CODE = "measure_code"
"""Column of the rows read for a board: fingerprint of the code of the measure that is shown."""


def _usual_parts(origins: Sequence[Origin]) -> dict[str, str]:
    """Of each part of the code, the fingerprint that most results have."""
    counts = Counter(pair for origin in origins for pair in origin.parts)
    ranked = sorted(counts, key=lambda pair: (-counts[pair], pair), reverse=True)
    return dict(ranked)


@dataclass(frozen=True)
class Footnotes:
    """Letters for values that differ from that of most results."""

    usual: Mapping[str, str]
    """Field → value of most results."""
    letters: Mapping[tuple[str, str], str]
    """(field, other value) → letter, from the most to the least frequent."""
    counts: Mapping[tuple[str, str], int]
    """(field, value) → number of results."""
    parts: Mapping[str, str]
    """Part of the code → the fingerprint that most results have."""
    commits: tuple[str, ...] = ()
    """Commits of results of which the parts of the code are known: commits may differ in what doesn't matter here."""

    @classmethod
    def of(cls, origins: Sequence[Origin]) -> Footnotes:
        parts = _usual_parts(origins)
        counts = Counter(pair for origin in origins for pair in origin.told(parts).items())
        letters: dict[tuple[str, str], str] = {}
        usual: dict[str, str] = {}
        for field in FIELDS:
            # By value as well, so that of equally frequent ones the same is usual in every run.
            values = sorted((value for of, value in counts if of == field), key=lambda v: (-counts[field, v], v))
            values.sort(key=lambda value: value != SAME)
            others = values[1:]
            usual |= {field: values[0]} if values else {}
            first = len(set(letters.values()))
            shared = len(others) > _NAMED
            letters |= {(field, each): ascii_lowercase[first + (0 if shared else n)] for n, each in enumerate(others)}
        return cls(usual, letters, counts, parts, tuple(dict.fromkeys(each.commit for each in origins if each.parts)))

    def marks(self, origins: Sequence[Origin]) -> str:
        """Letters of all that is unusual about these results: `a,c`."""
        pairs = {pair for origin in origins for pair in origin.told(self.parts).items()}
        return ",".join(sorted({self.letters[pair] for pair in pairs & self.letters.keys()}))

    def notes(self) -> list[str]:
        """What all results share, and a line for each field in which they differ."""
        mixed = dict.fromkeys(field for field, _ in self.letters)
        shared = [self._shared(field) for field in self.usual if field not in mixed]
        lines = [f"Made with: {', '.join(shared)}."] if shared else []
        if mixed:
            lines.append("Mixed origins, so that differences may not be the method's alone:")
        return lines + [f"  {FIELDS[field]}: {self._told(field)}." for field in mixed]

    def _shared(self, field: str) -> str:
        if field != "code":
            return f"{FIELDS[field]} {self.usual[field]}"
        if not self.commits:
            return self.usual[field]
        return f"the same code, of commit{'s' if len(self.commits) > 1 else ''} {', '.join(self.commits[:_NAMED])}"

    def _told(self, field: str) -> str:
        """`H100 in 5 results; (a) CPU in 1 result`."""
        others = [value for of, value in self.letters if of == field]
        usual = f"{self.usual[field]} in {counted(self.counts[field, self.usual[field]], 'result')}"
        if len(others) <= _NAMED:
            return "; ".join([usual, *(f"({self.letters[field, each]}) {self._count(field, each)}" for each in others)])
        rest = sum(self.counts[field, each] for each in others)
        first = ", ".join(self._count(field, each) for each in others[:_NAMED])
        letter = self.letters[field, others[0]]
        return f"{usual}; ({letter}) {len(others)} others in {counted(rest, 'result')}, such as {first}"

    def _count(self, field: str, value: str) -> str:
        return f"{value} in {self.counts[field, value]}"
