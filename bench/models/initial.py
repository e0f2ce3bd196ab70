"""Initial weights of the CIFAR networks: Kaiming-normal (He et al. 2015) by fan out, as in the SAM-ON code.

Batch norm starts from torch's γ = 1 and β = 0, in the last norm of a residual branch too, and linear layers
from torch's default.
"""

from __future__ import annotations

from torch import nn


def start_convolutions(model: nn.Module) -> None:
    """Draw the weights of all convolutions from N(0, 2 / (out channels · kernel area)); their biases become 0."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
