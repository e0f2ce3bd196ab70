"""Outputs: a trained model's outputs on each test image, and the measures that need only these.

Logits are shifted so that the largest of an image is 0, which no probability notices and which leaves 16 bits their
precision where it counts: among the likeliest classes. Of many images and classes only the TOP likeliest are kept, with
the three numbers of each image that make NLL, Brier score and calibration error exact all the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.measures import MEASURES
from bench.measures.names import parse

MOST_BYTES = 16 * 2**20
"""Size of all logits in 16 bits up to which they are kept whole."""
TOP = 20
"""Likeliest classes that are kept of more."""
_CHUNK = 4096
"""Images that are turned to 32 bits at a time."""

Numbers = NDArray[Any]


@dataclass(frozen=True, eq=False, kw_only=True)
class Outputs:
    """Of each image of the test split, in its order."""

    labels: Numbers
    """Classes, as 32-bit integers."""
    logits: Numbers
    """Images × classes in 16 bits; of TOP classes from the likeliest on."""
    classes: Numbers | None = None
    """The classes of these, where not all are kept."""
    label_logit: Numbers
    """Shifted logit of the right class."""
    log_sum: Numbers
    """Logarithm of the sum of all exp(logit)."""
    squares: Numbers
    """Sum of the squares of all probabilities."""

    @classmethod
    def of(cls, logits: Numbers, labels: Numbers, most_bytes: int = MOST_BYTES) -> Outputs:
        """From all shifted logits in 16 bits."""
        chunks = [_sums(logits[i : i + _CHUNK], labels[i : i + _CHUNK]) for i in range(0, len(labels), _CHUNK)]
        names = ("label_logit", "log_sum", "squares")
        sums = {name: np.concatenate(parts) for name, parts in zip(names, zip(*chunks, strict=True), strict=True)}
        if logits.nbytes <= most_bytes or logits.shape[1] <= TOP:
            return cls(labels=labels, logits=logits, **sums)
        likeliest = np.argsort(-logits, axis=1, kind="stable")[:, :TOP].astype(np.int32)
        return cls(labels=labels, logits=np.take_along_axis(logits, likeliest, 1), classes=likeliest, **sums)

    @cached_property
    def predicted(self) -> Numbers:
        """The likeliest class of each image."""
        return self.logits.argmax(axis=1) if self.classes is None else self.classes[:, 0]

    @property
    def correct(self) -> Numbers:
        """Whether that is the right one."""
        return self.predicted == self.labels

    @property
    def confidence(self) -> Numbers:
        """Probability of the likeliest class."""
        return np.exp(-self.log_sum)

    def in_top(self, count: int) -> Numbers:
        """Whether the right class is among the likeliest; TOP at most where not all are kept."""
        return (self.logits > self.label_logit[:, None]).sum(axis=1) < count


def _sums(logits: Numbers, labels: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    exact = logits.astype(np.float32)
    log_sum = np.log(np.exp(exact).sum(axis=1))
    squares = np.exp(2 * (exact - log_sum[:, None])).sum(axis=1)
    return exact[np.arange(len(labels)), labels], log_sum, squares


def nll(outputs: Outputs) -> float:
    """Mean negative log-likelihood of the right class, in nats."""
    return float(np.mean(outputs.log_sum - outputs.label_logit, dtype=np.float64))


def brier(outputs: Outputs) -> float:
    """Brier score: mean squared distance of the probabilities from the right class, 0 to 2 (Brier 1950)."""
    right = np.exp(outputs.label_logit - outputs.log_sum)
    return float(np.mean(outputs.squares - 2 * right + 1, dtype=np.float64))


def calibration_error(outputs: Outputs, *, bins: int) -> float:
    """Expected calibration error in %: |accuracy − confidence| in bins of equal width, weighted (Guo et al. 2017)."""
    places = np.clip(np.ceil(outputs.confidence * bins).astype(int) - 1, 0, bins - 1)
    gaps = np.bincount(places, outputs.correct - outputs.confidence.astype(np.float64), bins)
    return float(100 * np.abs(gaps).sum() / len(places))


def top5_accuracy(outputs: Outputs) -> float:
    """Share of images whose right class is among the five likeliest, %."""
    return float(100 * outputs.in_top(5).mean())


def of_outputs(outputs: Outputs) -> dict[str, float]:
    """Measure → value, of all that are taken of outputs, with default settings; without what is no number."""
    measures = [parse(name) for name, entry in MEASURES.items() if entry.of_outputs]
    found = {each.name: float(each.entry.load()(outputs, **each.arguments)) for each in measures}
    return {name: value for name, value in found.items() if math.isfinite(value)}
