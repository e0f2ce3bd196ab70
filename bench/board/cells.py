"""Cells: the trials of one method on one column, a group for each ρ."""

from __future__ import annotations

from dataclasses import dataclass, field

from bench.board.origin import Origin
from bench.board.statistics import Summary, summarize
from bench.trial import Trial

Key = tuple[str, str, str]
"""Row, column and scope of a cell."""


@dataclass
class Runs:
    """The trials of one method at one ρ: a value per finished seed."""

    rho: float | None
    expected: int = 0
    values: dict[int, float] = field(default_factory=dict)
    """Seed → the board's metric."""
    selection: dict[int, float] = field(default_factory=dict)
    """Seed → what ρ is chosen by."""
    failures: dict[str, int] = field(default_factory=dict)
    """Outcome → number of trials that ended so and are not done; they enter no mean."""
    unmeasured: int = 0
    """Number of done trials without the board's metric."""
    origins: list[Origin] = field(default_factory=list)
    """What the values were made with."""

    @property
    def summary(self) -> Summary | None:
        return summarize(list(self.values.values()))

    @property
    def missing(self) -> int:
        """Number of trials that have not ended yet."""
        return self.expected - len(self.values) - self.unmeasured - sum(self.failures.values())


@dataclass(frozen=True)
class Cell:
    """One method on one column: every swept ρ, and the chosen one."""

    trial: Trial
    """One of its trials, for what all of them share."""
    swept: tuple[Runs, ...]
    """By rising ρ."""
    chosen: Runs
    guessed: bool = False
    """Whether the chosen ρ is a guess: which one the paper chose is lost in its text."""

    @property
    def at_edge(self) -> bool:
        """Whether the chosen ρ is the smallest or largest of several tried, so that a better one may lie outside."""
        tried = [runs for runs in self.swept if runs.values]
        return len(tried) > 2 and (self.chosen is tried[0] or self.chosen is tried[-1])
