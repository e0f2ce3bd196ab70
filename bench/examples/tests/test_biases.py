"""Is it biases that are perturbed, and nothing else?"""

import torch
from torch import nn

from bench.examples.biases import Biases
from bench.sam.context import Context


def test_biases_are_perturbed_and_nothing_else() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Linear(4, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    context = Context(model=model, optimizers=[optimizer], norm_rule="type", stages=(), seed=0)
    assert list(Biases(context).tensors) == ["0.bias", "1.bias", "2.bias"]
