"""Claims: figures of benchmarks beside their goals, told in one way, and kept for a summary or a comparison."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

RECORD = "SAMBENCH_BENCH_RECORD"
"""Variable with the file to which claims are appended, one line of JSON each."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One figure and what it is to be; ratios are of things that took turns in one run."""

    name: str
    value: float
    unit: str
    """Of the value; empty for a ratio."""
    goal: float
    at_least: bool
    """Whether more is better."""

    @property
    def met(self) -> bool:
        """Whether the goal is reached."""
        return self.value >= self.goal if self.at_least else self.value <= self.goal

    @property
    def bound(self) -> str:
        """The goal as a bound."""
        return f"{'≥' if self.at_least else '≤'} {self.goal:g}{self.unit}"

    @property
    def verdict(self) -> str:
        """The goal, and whether it is reached."""
        return f"{self.bound}: {'met' if self.met else 'MISSED'}"


def claim(
    name: str, value: float, *, at_most: float | None = None, at_least: float | None = None, unit: str = ""
) -> Claim:
    """Keep a figure where the caller of this process asked for it, and return it."""
    goal = at_most if at_least is None else at_least
    assert goal is not None
    made = Claim(name=name, value=value, unit=unit, goal=goal, at_least=at_least is not None)
    if file := os.environ.get(RECORD):
        with Path(file).open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(asdict(made)) + "\n")
    return made


def tell(
    name: str, value: float, *, at_most: float | None = None, at_least: float | None = None, unit: str = ""
) -> None:
    """Keep it, and print it in a line of its own."""
    made = claim(name, value, at_most=at_most, at_least=at_least, unit=unit)
    print(f"{name}: {value:.3g}{unit} ({made.verdict})", flush=True)
