"""Bins of weight histograms: the same for all trials, so that counts of several can be added up.

Free of torch, because plots need the edges too.
"""

from __future__ import annotations

from dataclasses import dataclass

_WIDTH, _LIMIT = 0.02, 8.0
_PER_DECADE, _LOWEST, _HIGHEST = 20, -8, 2


@dataclass(frozen=True)
class Histogram:
    """What a measure gives that counts entries instead of summing them up in one number."""

    mean: float
    """Of all entries: the number that a board shows."""
    counts: tuple[int, ...]
    """Entries below the first edge, between each two, and above the last."""


def edges(scale: str) -> list[float]:
    """Linear: 0.02 apart, of w itself; log: 20 for each power of ten, of |w|. Rising."""
    if scale == "linear":
        half = round(_LIMIT / _WIDTH)
        return [step * _WIDTH for step in range(-half, half + 1)]
    return [10 ** (_LOWEST + step / _PER_DECADE) for step in range((_HIGHEST - _LOWEST) * _PER_DECADE + 1)]
