"""Cells: the trials of one method on one column, a group for each ρ."""

from __future__ import annotations

from dataclasses import dataclass, field

from bench.board.choice import Decision
from bench.board.footnotes import Origin
from bench.board.metric import Metric
from bench.board.statistics import Summary, summarize
from bench.sweep.choose import Candidate
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
    def candidate(self) -> Candidate:
        """What the choice of ρ compares."""
        found = summarize(list(self.selection.values()))
        n, mean = (found.n, found.mean) if found else (0, None)
        return Candidate(rho=self.rho or 0.0, mean=mean, n=n, expected=self.expected)

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
    selection: Metric
    """What ρ was chosen by."""
    decision: Decision
    """How it was chosen."""
    guessed: bool = False
    """Whether the chosen ρ is a guess: which one the paper chose is lost in its text."""

    @property
    def record(self) -> dict[str, str]:
        """For programs: what a column's name says together with much else."""
        return {name: getattr(self.trial, name) for name in ("dataset", "model", "optimizer", "variant")}
