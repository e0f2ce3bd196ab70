"""Trained: the model that a measure is taken on, for any task or for images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from bench.data.splits import Splits


@dataclass(frozen=True, kw_only=True)
class TrainedModel:
    """A model and the course of its training."""

    model: nn.Module
    history: Sequence[Mapping[str, Any]]
    """One mapping per epoch, with the columns of the store's `history`."""
    seed: int
    """The trial's, for measures that draw."""


@dataclass(frozen=True, kw_only=True)
class Trained(TrainedModel):
    """A model of images, with these."""

    splits: Splits
    image_size: int
    """Side in pixels of the images that the model sees."""
