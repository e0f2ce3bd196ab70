"""SPREADS: what a board, a plot or an export shows beside a mean of several seeds.

The standard deviation says how much one training varies; the other three say how well the mean is known. The
bootstrap (Efron 1979) takes percentiles of the means of resampled seeds. It is too narrow for few seeds: with
three, it covers the true mean in about 75 % of cases instead of 95 %, while Student's t is exact for normal seeds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bench.board.inference import ALPHA, half_width
from bench.board.statistics import Summary, signed

DRAWS = 10_000
"""Resampled means of a bootstrap."""


@dataclass(frozen=True, kw_only=True)
class Spread:
    """One way to say how far a mean can be trusted."""

    name: str
    about: str
    """What is printed, for the notes of a board."""
    short: str
    """The same in the title of a plot."""
    half: Callable[[Summary], float | None] | None = None
    """What comes after ±; None where low and high lie at different distances."""

    def bounds(self, summary: Summary) -> tuple[float, float] | None:
        """Lower and upper end; None for a single run, which has no spread."""
        if self.half is None:
            return _bootstrap(summary)
        half = self.half(summary)
        return None if half is None else (summary.mean - half, summary.mean + half)

    def errors(self, summary: Summary) -> tuple[float, float]:
        """How far a bar of a plot reaches below the mean, and above; not at all for a single run."""
        low, high = self.bounds(summary) or (summary.mean, summary.mean)
        return summary.mean - low, high - summary.mean

    def text(self, summary: Summary, digits: int = 1) -> str:
        """`97.2 ± 0.8 (3)`, or `97.2 [96.4, 98.0] (3)` of a bootstrap."""
        if self.half is None:
            ends = self.bounds(summary)
            told = ", ".join(f"{end:.{digits}f}" for end in ends) if ends else "–"
            return f"{summary.mean:.{digits}f} [{told}] ({summary.n})".replace("-", "−")
        half = self.half(summary)
        told = "–" if half is None else f"{half:.{digits}f}"
        return f"{summary.mean:.{digits}f} ± {told} ({summary.n})"


def _std(summary: Summary) -> float | None:
    return summary.std


def _standard_error(summary: Summary) -> float | None:
    return None if summary.std is None else summary.std / summary.n**0.5


def _bootstrap(summary: Summary) -> tuple[float, float] | None:
    """Percentiles of resampled means, the same in every run."""
    if summary.n < 2:
        return None
    import numpy as np

    values = np.array(summary.values)
    means = np.random.default_rng(0).choice(values, (DRAWS, len(values))).mean(axis=1)
    low, high = np.quantile(means, [ALPHA / 2, 1 - ALPHA / 2])
    return float(low), float(high)


SPREADS: dict[str, Spread] = {
    "std": Spread(name="std", about="mean ± sample std", short="mean ± std", half=_std),
    "sem": Spread(
        name="sem", about="mean ± standard error of the mean", short="mean ± standard error", half=_standard_error
    ),
    "ci95": Spread(
        name="ci95",
        about="mean ± half of its 95 % confidence interval by Student's t",
        short="mean, 95 % interval",
        half=half_width,
    ),
    "bootstrap": Spread(
        name="bootstrap",
        about="mean [95 % interval by bootstrap over seeds, too narrow for few of them]",
        short="mean, 95 % bootstrap interval",
    ),
}
"""Name → spread; the first is the default."""


def interval_text(mean: float, low: float | None, high: float | None, digits: int) -> str:
    """`−0.9 [−2.1, +0.3]` of a difference."""
    ends = [signed(end, digits) for end in (low, high) if end is not None]
    return f"{signed(mean, digits)} [{', '.join(ends)}]" if ends else signed(mean, digits)
