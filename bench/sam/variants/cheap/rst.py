"""RST (Zhao et al. 2022): each step is SAM's with a probability p, else the base optimizer's.

A step's draw follows from the run's seed and the step's number, so that it is the same on every process and after a
resume. Known from the abstract alone: schedules of p and the reweighting G-RST are left out, as nothing pins them down.
"""

from __future__ import annotations

from bench.sam.context import Context
from bench.sam.variants.sam import Sam
from bench.seeds import derive


class Rst(Sam):
    """SAM's ε, now and then."""

    def __init__(self, context: Context, *, probability: float) -> None:
        super().__init__(context)
        self.probability = probability

    def perturbs(self) -> bool:
        """A draw."""
        return derive(self.context.seed, "rst", self.context.clock.step) < self.probability * 2**63
