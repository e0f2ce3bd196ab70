"""Running statistics at the final weights, recomputed by one more epoch of forward passes in train mode.

Momentum-SAM's only pass is at w + ε, and so are its running statistics; its authors gather them anew at the end, before
the evaluation that they report. For other methods it is a choice too, since pass 2 moves statistics as well.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

from bench.tasks.workload import WorkloadBatch


@torch.no_grad()
def refresh_statistics(model: nn.Module, batches: Iterable[WorkloadBatch]) -> None:
    """Move the running statistics by these batches; the weights stay as they are."""
    model.train()
    for batch in batches:
        model(batch.inputs)
