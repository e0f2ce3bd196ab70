"""Statistics of repeated runs: the one place where a mean, a std and an n are computed."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Summary:
    """Mean, sample standard deviation (ddof = 1) and number of runs; the std of one run is not defined."""

    mean: float
    std: float | None
    n: int
    values: tuple[float, ...] = field(default=(), compare=False, repr=False)
    """The runs themselves, where they are known."""

    @property
    def record(self) -> dict[str, Any]:
        """For programs."""
        return {"mean": self.mean, "std": self.std, "n": self.n}

    def text(self, digits: int = 1, *, sign: bool = False) -> str:
        """`97.2 ± 0.8 (3)`."""
        std = "–" if self.std is None else f"{self.std:.{digits}f}"
        mean = signed(self.mean, digits) if sign else f"{self.mean:.{digits}f}"
        return f"{mean} ± {std} ({self.n})"


NO_RESULT: dict[str, Any] = {"mean": None, "std": None, "n": 0}
"""The record of what has no runs."""


def signed(value: float, digits: int = 1) -> str:
    """`+0.8` or `−0.8`, with a minus sign instead of a hyphen; what rounds to nothing is `+0.0`."""
    return f"{value:+z.{digits}f}".replace("-", "−")


def summarize(values: Sequence[float]) -> Summary | None:
    """The summary of `values`, None if there are none."""
    if not values:
        return None
    std = statistics.stdev(values) if len(values) > 1 else None
    return Summary(statistics.fmean(values), std, len(values), tuple(values))


def paired_difference(ours: Mapping[int, float], theirs: Mapping[int, float]) -> Summary | None:
    """The summary of ours − theirs over the seeds that both have; None if there are none."""
    return summarize([ours[seed] - theirs[seed] for seed in sorted(ours.keys() & theirs.keys())])
