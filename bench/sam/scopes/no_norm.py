"""The complement of SAM-ON (Müller et al. 2023, section 4): everything but the normalization layers."""

from __future__ import annotations

from torch import nn

from bench.sam.context import Context
from bench.sam.norms import norm_parameters, warn_of_others
from bench.sam.scopes.scope import Scope


class NoNorm(Scope):
    """Parameters outside normalization layers."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        warn_of_others(context.model, context.norm_rule)

    def select(self) -> dict[str, nn.Parameter]:
        """See `Scope.select`."""
        norm = norm_parameters(self.context.model, self.context.norm_rule)
        return {name: p for name, p in self.context.trainable.items() if name not in norm}

    def nothing(self) -> str:
        """See `Scope.nothing`."""
        return (
            f"scope no_norm: {type(self.context.model).__name__} trains nothing but normalization layers "
            "(trainable: only_norm); use trainable: all, or scope all"
        )
