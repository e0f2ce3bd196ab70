"""Claims: does one scope beat another, method by method, and does the paper see the same sign?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.board.against.compare import Comparison
from bench.board.inference import ALPHA, holm, paired_p
from bench.board.metric import Metric
from bench.board.statistics import Summary, paired_difference
from bench.papers.sam_on.claims import CLAIMS, ScopeClaim
from bench.trial import NONE


@dataclass(frozen=True)
class Tested:
    """A claim about one method in one column, over the seeds that both sides have."""

    claim: ScopeClaim
    better: Comparison
    worse: Comparison
    difference: Summary
    """Better − worse, paired over seeds."""
    p: float | None
    """Of the paired t-test; None for fewer than two pairs, or if all pairs differ by the same."""
    p_holm: float | None
    """Corrected over all tests of the claim."""

    @property
    def theirs(self) -> float | None:
        """The same difference in the paper; None where it lacks a side."""
        means = [side.paper.mean if side.paper else None for side in (self.better, self.worse)]
        return means[0] - means[1] if means[0] is not None and means[1] is not None else None

    @property
    def agrees(self) -> bool | None:
        """Whether our difference has the sign of the paper's; None where the paper shows none."""
        return None if not self.theirs else self.difference.mean * self.theirs > 0


def claims_of(compared: Sequence[Comparison]) -> dict[ScopeClaim, list[Tested]]:
    """Every claim that the board has both sides of, for each method and column."""
    found = {claim: _pairs(claim, compared) for claim in CLAIMS}
    return {claim: _tests(claim, pairs) for claim, pairs in found.items() if pairs}


def conclusions(tested: dict[ScopeClaim, list[Tested]], metric: Metric) -> list[str]:
    """One line per claim; the side with the better value of the metric is ahead."""
    lines = []
    for claim, tests in tested.items():
        ahead, behind = (sum(metric.gain(sign * test.difference.mean) > 0 for test in tests) for sign in (1, -1))
        sure = [test for test in tests if test.p_holm is not None and test.p_holm < ALPHA]
        better, worse = (sum(metric.gain(sign * test.difference.mean) > 0 for test in sure) for sign in (1, -1))
        untested = sum(test.p is None for test in tests)
        signs = [test.agrees for test in tests if test.agrees is not None]
        share = f"{100 * sum(signs) / len(signs):.0f} %: " if signs else ""
        lines.append(
            f"{claim.text}: ahead in {ahead} and behind in {behind} of {len(tests)} comparisons; by paired t-tests "
            f"with Holm's correction at 5 % better in {better}, worse in {worse}"
            + (f", not testable in {untested}" if untested else "")
            + f"; the sign is the paper's in {share}{sum(signs)} of {len(signs)}."
        )
    return lines


def _pairs(claim: ScopeClaim, compared: Sequence[Comparison]) -> list[tuple[Comparison, Comparison]]:
    worse = {_method(each, claim.worse): each for each in compared if each.cell.trial.scope == claim.worse}
    better = [each for each in compared if each.cell.trial.scope == claim.better]
    return [(each, worse[method]) for each in better if (method := _method(each, claim.worse)) in worse]


def _method(compared: Comparison, worse: str) -> tuple[str, str]:
    """What both sides of a claim share: the column, and the line unless one side is the base optimizer."""
    row, column, scope = compared.key
    if worse == NONE:
        return "", column
    # Where scopes are lines, the line can't tell which of them belong together: the variant does.
    return (compared.cell.trial.variant if scope == NONE else row), column


def _tests(claim: ScopeClaim, pairs: Sequence[tuple[Comparison, Comparison]]) -> list[Tested]:
    differences = [paired_difference(*(side.cell.chosen.values for side in pair)) for pair in pairs]
    known = [(pair, found) for pair, found in zip(pairs, differences, strict=True) if found]
    values = [paired_p(found) for _, found in known]
    corrected = holm(values)
    return [
        Tested(claim, *pair, found, p, p_holm)
        for (pair, found), p, p_holm in zip(known, values, corrected, strict=True)
    ]
