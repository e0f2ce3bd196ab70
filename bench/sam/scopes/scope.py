"""What every scope has in common: the tensors that ε touches, and what it does to single entries."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from bench.sam.context import Context
from bench.sam.passes.samples import Samples
from bench.sam.stages import parameter_stages


class Scope:
    """Where the perturbation lives."""

    floor: float | None = None
    """Replaces the variant's floor under the norm; None: the variant's own."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.tensors: dict[str, nn.Parameter] = {}
        """The perturbed tensors by name."""
        self.refresh()

    def refresh(self) -> None:
        """Select the tensors again, after the set of trainable ones has changed. ValueError if none is left."""
        self.tensors = self._in_stages(self.select())
        if not self.tensors:
            raise ValueError(self.nothing())

    def select(self) -> dict[str, nn.Parameter]:
        """The trainable tensors of this scope, in all stages."""
        raise NotImplementedError

    def nothing(self) -> str:
        """The error message for a model with nothing in this scope."""
        return f"{type(self.context.model).__name__} has no trainable parameter in this scope"

    def restrict_gradient(self, names: list[str], gradients: list[Tensor]) -> list[Tensor]:
        """g with zeros outside the scope, applied before the norm."""
        return gradients

    def restrict_perturbation(self, names: list[str], perturbation: list[Tensor]) -> list[Tensor]:
        """ε with zeros outside the scope, applied after the norm."""
        return perturbation

    def start_epoch(self, epoch: int, epochs: int, samples: Samples | None) -> None:
        """Called before the first step of every epoch."""

    def evaluates(self) -> bool:
        """Whether `after_step` will run the model in eval mode, with its running statistics."""
        return False

    def follows(self) -> bool:
        """Whether to call `after_step` after this step. If so, the host waits to learn whether there was an update."""
        return False

    def after_step(self) -> None:
        """Called after a step with an update, while the parameters still hold its gradients."""

    def state_dict(self) -> dict[str, Any]:
        """Everything that later steps depend on."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""

    def _in_stages(self, tensors: dict[str, nn.Parameter]) -> dict[str, nn.Parameter]:
        if not self.context.stages:
            return tensors
        stages = parameter_stages(self.context.model)
        missing = sorted(set(self.context.stages) - set(stages.values()))
        if missing:
            raise ValueError(
                f"stage {missing[0]}: {type(self.context.model).__name__} has no such stage; "
                f"its stages are {', '.join(map(str, sorted(set(stages.values()))))}"
            )
        return {name: p for name, p in tensors.items() if stages[name] in self.context.stages}
