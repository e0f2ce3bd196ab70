"""Clock: how far a run is, for variants that depend on it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Clock:
    """Steps and epochs so far; a resumed run has the clock of one that was never stopped."""

    step: int = 0
    """Steps before this one, including those without perturbation or update."""
    epoch: int = 0
    """Completed epochs."""
    epochs: int | None = None
    """Epochs of the whole run."""
    steps_per_epoch: int | None = None

    def start_epoch(self, epoch: int, epochs: int, steps: int | None) -> None:
        """Epoch `epoch`, of so many steps, begins."""
        self.epoch, self.epochs, self.steps_per_epoch = epoch, epochs, steps

    @property
    def total_steps(self) -> int:
        """Steps of the whole run. ValueError unless `start_epoch` was told what it takes to know."""
        if self.epochs is None or self.steps_per_epoch is None:
            raise ValueError(
                "this variant depends on how much of the run is over: call start_epoch(epoch, epochs, steps=…) "
                "before an epoch's first step, with the number of its steps"
            )
        return self.epochs * self.steps_per_epoch
