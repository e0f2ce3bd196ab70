"""Feature rank: how many singular values make up most of the squared spectrum of the features.

Features are what the model's last stage gives before pooling, flattened (Andriushchenko et al. 2023, "Sharpness-aware
minimization leads to low-rank features"; Müller et al. 2023, table 6). The squared singular values are the
eigenvalues of the Gram matrix, which is made in double precision: the smallest ones count here.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from bench.measures.trained import Trained
from bench.models.segment import Segment, run

_BATCH = 256
_BLOCK = 4096
"""Columns that are in double precision at once."""
_AXIS = {"sample": 1, "feature": 0}


@torch.no_grad()
def rank_of_features(trained: Trained, *, centre: str, share: float, samples: int) -> float:
    """The rank; ValueError if the model doesn't say what its stages are."""
    train = trained.splits.train
    trained.model.eval()
    before_pooling = _segments(trained.model)[:-1]
    order = torch.arange(min(samples, len(train)))
    batches = trained.splits.normalized(train.batches(order, _BATCH))
    features = torch.cat([run(before_pooling, images).float().flatten(1) for images, _ in batches])
    return float(rank(features.sub_(features.mean(_AXIS[centre], keepdim=True)), share))


def rank(matrix: Tensor, share: float) -> int:
    """The least number of singular values of (n, d) whose squares sum to `share` of all; 0 of a matrix of zeros."""
    rows, columns = matrix.shape
    spectrum = torch.linalg.eigvalsh(_gram(matrix if rows <= columns else matrix.T)).flip(0).clamp_min(0)
    total = spectrum.sum()
    return int((spectrum.cumsum(0) < share * total).sum()) + int(total > 0)


def _gram(matrix: Tensor) -> Tensor:
    """MMᵀ of (n, d) in double precision."""
    gram = torch.zeros(len(matrix), len(matrix), dtype=torch.float64, device=matrix.device)
    for block in matrix.split(_BLOCK, dim=1):
        wide = block.double()
        gram.addmm_(wide, wide.T)
    return gram


def _segments(model: nn.Module) -> list[Segment]:
    segments: Any = getattr(model, "segments", None)
    if segments is None:
        raise ValueError(f"{type(model).__name__} doesn't say what its stages are, and so which is the last")
    found: list[Segment] = segments()
    return found
