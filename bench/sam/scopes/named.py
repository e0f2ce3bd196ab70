"""Parameters chosen by the caller by name, for scopes without a name of their own."""

from __future__ import annotations

from collections.abc import Iterable

from torch import nn

from bench.sam.context import Context
from bench.sam.scopes.scope import Scope


class Named(Scope):
    """The listed parameters. ValueError for a name that isn't a trainable parameter's."""

    def __init__(self, context: Context, *, names: Iterable[str]) -> None:
        self._names = list(names)
        for name in self._names:
            if name not in context.trainable:
                raise ValueError(f"scope: {type(context.model).__name__} has no trainable parameter {name!r}")
        super().__init__(context)

    def select(self) -> dict[str, nn.Parameter]:
        """See `Scope.select`: without those that have been frozen since."""
        trainable = self.context.trainable
        return {name: trainable[name] for name in self._names if name in trainable}
