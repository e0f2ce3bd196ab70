"""Perturbs biases only."""

from torch import nn

from bench.sam.scopes.scope import Scope


class Biases(Scope):
    """Every bias, those of normalization layers too."""

    def select(self) -> dict[str, nn.Parameter]:
        return {name: p for name, p in self.context.trainable.items() if name.rpartition(".")[2] == "bias"}
