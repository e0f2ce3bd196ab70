"""Measures by their names, and numbers to take them of."""

from __future__ import annotations

import torch
from torch import Tensor

from bench.measures.names import parse
from bench.measures.trained import Trained


def take(name: str, of: Trained) -> float:
    measure = parse(name)
    value: float = measure.entry.load()(of, **measure.arguments)
    return value


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
