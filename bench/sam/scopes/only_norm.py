"""SAM-ON (Müller et al. 2023, section 4): γ and β of the normalization layers only.

The norm of the perturbation is ρ all the same, because numerator and denominator are both restricted to them.
"""

from __future__ import annotations

from torch import nn

from bench.sam.context import Context
from bench.sam.norms import norm_parameters, warn_of_others
from bench.sam.scopes.scope import Scope


class OnlyNorm(Scope):
    """Parameters of normalization layers."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        warn_of_others(context.model, context.norm_rule)

    def select(self) -> dict[str, nn.Parameter]:
        """See `Scope.select`."""
        norm = norm_parameters(self.context.model, self.context.norm_rule)
        return {name: p for name, p in self.context.trainable.items() if name in norm}

    def nothing(self) -> str:
        """See `Scope.nothing`: no norm layers, or frozen ones, or none in the stages."""
        model, rule = type(self.context.model).__name__, self.context.norm_rule
        norm = norm_parameters(self.context.model, rule)
        if not norm:
            return (
                f"scope only_norm: {model} has no normalization layer with parameters by norm_rule {rule!r}; "
                "use scope all"
            )
        if not self.select():
            return (
                f"scope only_norm: all normalization layers of {model} are frozen (trainable: freeze_norm); "
                "use trainable: all, or scope all"
            )
        stages = ",".join(map(str, self.context.stages))
        return f"scope only_norm[{stages}]: {model} has no normalization layer there; choose other stages"
