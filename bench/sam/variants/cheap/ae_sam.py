"""AE-SAM (Jiang et al., ICLR 2023): SAM's step where the gradient is large for its time, else the base optimizer's.

    q = ‖g‖²,  μ ← δμ + (1−δ)q,  s² ← δs² + (1−δ)(q − μ)² with the new μ;  SAM if q ≥ μ + c·s,
    c = (t/T)·λ₁ + (1 − t/T)·λ₂ at step t of T.

Otherwise the step descends along g itself, which pass 1 has found. μ starts at 0 and s² at e⁻¹⁰, so that the first
steps are SAM's. q is of the gradient averaged over micro-batches and processes, hence one decision for all, and over
every trainable tensor whatever the scope, which is our guess, as are the constants: the source was read second hand.
The decision is the host's, which waits for the device once a step.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from bench.sam.context import Context
from bench.sam.variants.sam import Sam


class AeSam(Sam):
    """SAM's ε, where it pays."""

    full_gradient = True
    takes_sparse = False
    finishes = True
    decides = True

    def __init__(self, context: Context, *, decay: float, threshold_start: float, threshold_end: float) -> None:
        super().__init__(context)
        self.decay, self.start, self.end = decay, threshold_start, threshold_end
        self._steps: int | None = None
        """T as a checkpoint has it: the threshold would jump if it changed."""
        moments = torch.tensor([0.0, math.exp(-10)], dtype=torch.float64)
        self._moments = moments.to(context.device)
        """μ and s²."""
        self._next = self._moments

    def goes_on(self, squared_norm: Tensor) -> Tensor:
        """Whether q is large."""
        mean = self.decay * self._moments[0] + (1 - self.decay) * squared_norm
        variance = self.decay * self._moments[1] + (1 - self.decay) * (squared_norm - mean).square()
        self._next = torch.stack([mean, variance])
        return squared_norm >= mean + self._threshold() * variance.sqrt()

    @torch.no_grad()
    def finish(self, gradients: dict[str, Tensor], finite: Tensor) -> None:
        """Remember μ and s²."""
        self._moments = torch.where(finite, self._next, self._moments)

    def _threshold(self) -> float:
        clock = self.context.clock
        if self._steps not in (None, clock.total_steps):
            raise ValueError(
                f"ae_sam was saved in a run of {self._steps} steps, and this one has {clock.total_steps}: its "
                "threshold depends on their number; go on with as many"
            )
        self._steps = clock.total_steps
        done = min(clock.step / self._steps, 1.0)
        return done * self.end + (1 - done) * self.start

    def state_dict(self) -> dict[str, Any]:
        """μ, s² and T; t is the run's own."""
        return {"moments": self._moments, "steps": self._steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """See `Variant.load_state_dict`."""
        self._moments, self._steps = state["moments"].to(self.context.device), state["steps"]
