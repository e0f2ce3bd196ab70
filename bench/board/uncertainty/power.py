"""Power: how many seeds it would take to decide a comparison that is inconclusive so far.

The rule: the fewest pairs for which the two-sided paired t-test at 5 % finds, with a probability of 80 %, a true
difference of the size and the std that were seen (Cohen 1988, chapter 2; power by the noncentral t distribution).
Few seeds give only a rough idea of either, so the answer is rough too.
"""

from __future__ import annotations

from math import isnan

from bench.board.inference import ALPHA
from bench.board.statistics import Summary

POWER = 0.8
MOST = 10_000
"""Number of pairs beyond which no number is given."""


def seeds_needed(difference: Summary) -> int | None:
    """The fewest seeds; None where no number up to MOST is enough, or there is no spread to go by."""
    if not difference.std or not difference.mean:
        return None
    effect = abs(difference.mean) / difference.std
    if power(effect, MOST) < POWER:
        return None
    low, high = 1, MOST
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power(effect, middle) >= POWER else (middle, high)
    return high


def power(effect: float, pairs: int) -> float:
    """Probability that the test of so many pairs finds an effect of so many stds."""
    # From scipy.special: importing scipy.stats takes longer than all the rest of a board.
    from scipy.special import nctdtr, stdtrit

    def below(t: float) -> float:
        # scipy sometimes returns nan for probabilities next to zero.
        share = float(nctdtr(freedom, shift, t))
        return 0.0 if isnan(share) else share

    freedom, shift = pairs - 1, effect * pairs**0.5
    edge = float(stdtrit(freedom, 1 - ALPHA / 2))
    return 1 - below(edge) + below(-edge)
