"""What SSAM-F and SSAM-D share (Mi et al. 2022): a mask renewed after the first step of every few epochs.

ε = ρ·g/(‖g‖ + 1e-7)·mask with the norm of the full gradient: ε is *not* renormalised after masking. Until
the first renewal the mask is random, for SSAM-F as the authors state it for SSAM-D.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor

from bench.sam.context import Context
from bench.sam.passes.samples import Samples
from bench.sam.scopes.masked import Masked


class Ssam(Masked):
    """A mask that follows the training."""

    floor = 1e-7

    def __init__(self, context: Context, *, sparsity: float, mask_every: int) -> None:
        super().__init__(context)
        self.sparsity = sparsity
        self.generator = torch.Generator().manual_seed(context.seed)
        self.randomly(self.generator, self.live_at(sparsity))
        self._every = mask_every
        self._epoch, self.epochs = -1, 1
        self.due = False

    @property
    def epoch(self) -> int:
        """The present epoch, 0-based."""
        return self._epoch

    @abstractmethod
    def renew(self) -> None:
        """Choose a new mask."""

    def restrict_perturbation(self, names: list[str], perturbation: list[Tensor]) -> list[Tensor]:
        """See `Scope.restrict_perturbation`."""
        return self.masked(names, perturbation)

    def start_epoch(self, epoch: int, epochs: int, samples: Samples | None) -> None:
        """See `Scope.start_epoch`. Called again within an epoch, as after a resume, it keeps its mask."""
        if epoch != self._epoch:
            self._epoch, self.epochs = epoch, epochs
            self.due = epoch % self._every == 0

    def follows(self) -> bool:
        """See `Scope.follows`."""
        return self.due

    def after_step(self) -> None:
        """See `Scope.after_step`."""
        self.renew()
        self.due = False

    def state_dict(self) -> dict[str, Any]:
        """Mask, generator, and place in the schedule."""
        schedule = {"epoch": self._epoch, "epochs": self.epochs, "due": self.due}
        return super().state_dict() | schedule | {"generator": self.generator.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """See `Scope.load_state_dict`."""
        super().load_state_dict(state)
        self._epoch, self.epochs, self.due = state["epoch"], state["epochs"], state["due"]
        self.generator.set_state(state["generator"].cpu())
