"""Every trainable parameter: plain SAM (Foret et al. 2021)."""

from __future__ import annotations

from torch import nn

from bench.sam.scopes.scope import Scope


class AllParameters(Scope):
    """All that requires a gradient."""

    def select(self) -> dict[str, nn.Parameter]:
        """See `Scope.select`."""
        return dict(self.context.trainable)
