"""Choice: the one rule for choosing ρ, used by boards, plots, reports and `choose:` in sweeps.

Means over finished seeds are compared. The measure is the task's on the validation split where any of the compared
trials has it, so that nothing is chosen by the split that is reported. Only the ρ with the most finished seeds compete;
of equal means the smallest ρ wins. Whatever makes a choice doubtful (ties, missing seeds, an edge) is reported with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.board.metric import metric_of
from bench.sweep.choose import Candidate
from bench.tasks import TASKS

VALIDATION = tuple(task.validation for task in TASKS.values())
"""What ρ is chosen by where the data has a validation split."""

DEFAULT = tuple(task.measure for task in TASKS.values())
"""What it is chosen by where it has none, as in the paper."""


def selection_measure(results: Iterable[Mapping[str, Any]], default: str) -> str:
    """The measure that trials which differ in ρ and seed alone are compared by; `results` are their measures."""
    found = {name for result in results for name in VALIDATION if result.get(name) is not None}
    return next((name for name in VALIDATION if name in found), default)


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The chosen ρ of those that were tried, and what makes the choice doubtful."""

    chosen: Candidate
    """The smallest ρ where none has a result yet."""
    ties: tuple[Candidate, ...] = ()
    """Others with the same mean."""
    left_out: tuple[Candidate, ...] = ()
    """Those with fewer finished seeds than the chosen one."""
    edge: str | None = None
    """`smallest` or `largest`, where the chosen ρ is that of more than two: a better one may lie beyond."""

    @property
    def remarks(self) -> tuple[str, ...]:
        """For people, a remark for each doubt."""
        chosen = self.chosen
        remarks = [
            f"ρ {each.rho:g} left out: {each.n} of {each.expected} seeds have a result" for each in self.left_out
        ]
        if chosen.n < chosen.expected:
            remarks.append(f"{chosen.expected - chosen.n} of {chosen.expected} seeds have no result")
        if self.ties:
            remarks.append(f"a tie with {', '.join(f'{each.rho:g}' for each in self.ties)}: the smallest ρ is taken")
        if self.edge:
            remarks.append(f"ρ {chosen.rho:g} is the {self.edge} tried: a better one may lie beyond")
        return tuple(remarks)


def decide(by: str, candidates: Sequence[Candidate]) -> Decision:
    """The best of at least one candidate by mean `by`."""
    ordered = sorted(candidates, key=lambda each: each.rho)
    most = max(each.n for each in ordered)
    if not most:
        return Decision(chosen=ordered[0])
    gain = metric_of(by).gain
    means = [(each, each.mean) for each in ordered if each.n == most and each.mean is not None]
    best = max(gain(mean) for _, mean in means)
    chosen, *ties = (each for each, mean in means if gain(mean) == best)
    return Decision(
        chosen=chosen,
        ties=tuple(ties),
        left_out=tuple(each for each in ordered if each.n < most),
        edge=_edge(chosen, [each for each in ordered if each.n]),
    )


def _edge(chosen: Candidate, tried: Sequence[Candidate]) -> str | None:
    if len(tried) < 3 or chosen not in (tried[0], tried[-1]):
        return None
    return "smallest" if chosen is tried[0] else "largest"
