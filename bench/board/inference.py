"""Inference: whether two means differ by more than seeds explain, and by more than matters.

Ours and the paper's runs are independent: Welch's t-test, with the margin of equivalence stated. The margin leaves
the paper's effect to be seen: at half of it, two reproduced cells differ in the paper's direction. Two methods of
ours share their seeds: the paired t-test, with Holm's correction over all that are asked at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bench.board.statistics import Summary

ALPHA = 0.05
"""Level of every test."""
LEAST_P = 0.001
"""The smallest p that is printed as a number."""
MARGIN_UNITS = 3
"""Margin of equivalence in units of the last printed digit of the paper's std: 0.3 points for 82.1 ± 0.4."""
MARGIN_STDS = 2
"""Margin of equivalence in standard deviations of the paper."""
MARGIN_OF_EFFECT = 0.5
"""The margin of equivalence is at most this share of the effect that the paper claims."""

Word = Literal["reproduced", "higher", "lower", "can't be judged", "not comparable"]


@dataclass(frozen=True)
class Judgement:
    """Ours against the paper's."""

    word: Word
    reason: str
    """Why it is not comparable, or can't be judged."""
    difference: float | None = None
    """Ours − theirs."""
    low: float | None = None
    """Lower end of the 95 % confidence interval of the difference."""
    high: float | None = None
    margin: float | None = None
    p: float | None = None
    """Of Welch's test that the means are equal."""
    p_equivalence: float | None = None
    """Of two one-sided tests that they differ by the margin or more; small: shown to be equivalent."""


def margin_of(std: float, unit: float, effect: float | None = None) -> float:
    """Differences up to this are none: max(3 units of the last digit of the paper's std, 2 of its stds).

    Where the paper claims an effect, no more than half of it.
    """
    spread = max(MARGIN_UNITS * unit, MARGIN_STDS * std)
    return spread if effect is None else min(spread, MARGIN_OF_EFFECT * effect)


def judge(ours: Summary, mean: float, std: float, unit: float, seeds: int, *, effect: float | None = None) -> Judgement:
    """Reproduced within the margin; beyond it, higher or lower if Welch's test says so.

    It can't be judged if Welch's test doesn't, or if `effect` leaves a margin below the standard error.
    A printed std of 0.0 stands for anything below half of its last digit, which is then used.
    """
    if ours.std is None:
        return Judgement("can't be judged", "one seed has no std")
    difference, margin = ours.mean - mean, margin_of(std, unit, effect)
    test = welch(ours, Summary(mean, max(std, unit / 2), seeds))
    assert test is not None, "half of a unit is no std of zero"
    p_equivalence = _upper_tail((margin - abs(difference)) / test.error, test.freedom)
    too_small = margin < margin_of(std, unit) and margin < test.error
    word, reason = _word(difference, margin, test.p, test.error if too_small else None)
    return Judgement(word, reason, difference, test.low, test.high, margin, test.p, p_equivalence)


def _word(difference: float, margin: float, p: float, error: float | None) -> tuple[Word, str]:
    """`error` is the standard error where the margin is too small for it."""
    # Sums of decimal fractions: a difference of the margin itself must not depend on their last bit.
    beyond = abs(difference) > margin * (1 + 1e-9)
    if beyond and p < ALPHA:
        return ("higher" if difference > 0 else "lower"), ""
    if error is not None:
        small = f"half of the paper's effect is {margin:.3g}"
        return "can't be judged", f"{small}, less than the standard error of the difference, {error:.3g}"
    if beyond:
        return "can't be judged", f"beyond the margin, but p = {p:.2f}"
    return "reproduced", ""


@dataclass(frozen=True)
class Welch:
    """The difference of two independent means."""

    error: float
    """Its standard error."""
    freedom: float
    p: float
    low: float
    """Lower end of its 95 % confidence interval."""
    high: float


def welch(ours: Summary, theirs: Summary) -> Welch | None:
    """Welch's test of ours − theirs; None where a std is missing, or both are zero."""
    if ours.std is None or theirs.std is None or not (ours.std or theirs.std):
        return None
    parts = ours.std**2 / ours.n, theirs.std**2 / theirs.n
    error = sum(parts) ** 0.5
    freedom = sum(parts) ** 2 / (parts[0] ** 2 / (ours.n - 1) + parts[1] ** 2 / (theirs.n - 1))
    difference, half = ours.mean - theirs.mean, _quantile(freedom) * error
    p = 2 * _upper_tail(abs(difference) / error, freedom)
    return Welch(error, freedom, p, difference - half, difference + half)


def half_width(difference: Summary) -> float | None:
    """Half of the 95 % confidence interval of a mean by Student's t; None for a single value."""
    if difference.std is None:
        return None
    return _quantile(difference.n - 1) * difference.std / difference.n**0.5


def confidence_interval(difference: Summary) -> tuple[float, float] | None:
    """The ends of the 95 % confidence interval of a mean by Student's t; None for a single value."""
    half = half_width(difference)
    return None if half is None else (difference.mean - half, difference.mean + half)


def paired_p(difference: Summary) -> float | None:
    """Two-sided p of the paired t-test; None for fewer than two pairs, or if all pairs differ by the same."""
    if not difference.std:
        return None
    return 2 * _upper_tail(abs(difference.mean) / (difference.std / difference.n**0.5), difference.n - 1)


def holm(values: Sequence[float | None]) -> list[float | None]:
    """The p of a family of tests, corrected by Holm's method (1979); None stays and is no part of the family.

    In steps, the least first: each is multiplied by how many are left, and is at least the one before. By hand,
    because importing statsmodels takes longer than a board.
    """
    known = sorted((value, place) for place, value in enumerate(values) if value is not None)
    corrected: list[float | None] = [None] * len(values)
    least = 0.0
    for step, (value, place) in enumerate(known):
        corrected[place] = least = max(least, min(1.0, value * (len(known) - step)))
    return corrected


def p_text(p: float) -> str:
    """`p = 0.012`, or `p < 0.001` where that says more than zeros."""
    return f"p = {p:.3f}" if p >= LEAST_P else f"p < {LEAST_P}"


def _upper_tail(t: float, freedom: float) -> float:
    """P(T > t) of Student's t."""
    # From scipy.special: importing scipy.stats takes longer than all the rest of a board.
    from scipy.special import stdtr

    return float(stdtr(freedom, -t))


def _quantile(freedom: float) -> float:
    """What |T| of Student's t exceeds with probability ALPHA."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 1 - ALPHA / 2))
