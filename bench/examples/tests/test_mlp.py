"""Has it as many parameters as it should, and an answer for each class?"""

import torch

from bench.examples.mlp import mlp


def test_parameters_and_classes() -> None:
    model = mlp(num_classes=3, in_channels=13, image_size=1, width=8)
    assert sum(p.numel() for p in model.parameters()) == (13 + 1) * 8 + 2 * 8 + (8 + 1) * 3
    assert model(torch.randn(5, 13, 1, 1)).shape == (5, 3)
