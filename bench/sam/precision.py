"""The ascent pass in lower precision: approximate and off by default.

ε only needs a direction, which survives bf16 to two or three digits; the descent pass keeps its full
precision. Meant for training without autocast: with it, both passes are in its precision anyway.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch


class AscentPrecision:
    """Autocast for pass 1."""

    def __init__(self, device: torch.device, dtype: torch.dtype | None) -> None:
        self._type = device.type
        self._dtype = dtype

    def lowered(self) -> AbstractContextManager[object]:
        """Inside, the forward pass runs in the lower precision."""
        return nullcontext() if self._dtype is None else torch.autocast(self._type, dtype=self._dtype)

    def usual(self) -> AbstractContextManager[object]:
        """Within `lowered`: what both passes share keeps the precision of pass 2."""
        return nullcontext() if self._dtype is None else torch.autocast(self._type, enabled=False)
