"""A perceptron of one hidden layer, for images as for tables."""

from typing import Annotated

from annotated_types import Ge
from torch import nn


def mlp(
    *,
    num_classes: int,
    in_channels: int,
    image_size: int,
    width: Annotated[int, Ge(1), "units of the hidden layer"] = 64,
) -> nn.Module:
    """Perceptron of one hidden layer with batch norm."""
    inputs = nn.Linear(in_channels * image_size**2, width)
    return nn.Sequential(nn.Flatten(), inputs, nn.BatchNorm1d(width), nn.ReLU(), nn.Linear(width, num_classes))
