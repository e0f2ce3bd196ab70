"""Parameters chosen by the caller, by their names: for scopes that have no name of their own."""

from __future__ import annotations

from collections.abc import Iterable

from torch import nn

from bench.sam.context import Context
from bench.sam.scopes.scope import Scope


class Named(Scope):
    """The listed parameters."""

    def __init__(self, context: Context, *, names: Iterable[str]) -> None:
        self._names = list(names)
        super().__init__(context)

    def select(self) -> dict[str, nn.Parameter]:
        """See `Scope.select`. ValueError for a name that isn't a trainable parameter's."""
        for name in self._names:
            if name not in self.context.trainable:
                raise ValueError(f"scope: {type(self.context.model).__name__} has no trainable parameter {name!r}")
        return {name: self.context.trainable[name] for name in self._names}
