"""How long training waits for its next batch."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Generic, TypeVar

Batch = TypeVar("Batch")


class TimedBatches(Generic[Batch]):
    """The same batches; counts the seconds between asking for one and having it, on this process's clock."""

    def __init__(self, batches: Iterator[Batch]) -> None:
        self._batches = batches
        self.seconds = 0.0

    def __iter__(self) -> TimedBatches[Batch]:
        return self

    def __next__(self) -> Batch:
        asked = time.perf_counter()
        try:
            return next(self._batches)
        finally:
            self.seconds += time.perf_counter() - asked
