"""How long training waits for its next batch."""

from __future__ import annotations

import time

from torch import Tensor

from bench.data.split import Batches


class TimedBatches:
    """The same batches; counts the seconds between asking for one and having it, on this process's clock."""

    def __init__(self, batches: Batches) -> None:
        self._batches = batches
        self.seconds = 0.0

    def __iter__(self) -> TimedBatches:
        return self

    def __next__(self) -> tuple[Tensor, Tensor]:
        asked = time.perf_counter()
        try:
            return next(self._batches)
        finally:
            self.seconds += time.perf_counter() - asked
