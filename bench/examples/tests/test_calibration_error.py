"""Is it what can be worked out by hand?"""

import pytest
import torch
from torch import nn

from bench.data.in_memory import InMemory
from bench.data.splits import Splits
from bench.examples.calibration_error import calibration_error
from bench.measures.trained import Trained


def test_by_hand() -> None:
    images, labels = torch.zeros(4, 2, 1, 1, dtype=torch.uint8), torch.tensor([0, 0, 0, 1])
    split = InMemory(images, labels)
    splits = Splits(train=split, validation=None, test=split, scale=1.0, mean=(0.0, 0.0), std=(1.0, 1.0))
    model = nn.Sequential(nn.Flatten(), answer := nn.Linear(2, 2))
    with torch.no_grad():
        answer.bias.copy_(torch.tensor([0.9, 0.1]).log())
    trained = Trained(model=model, splits=splits, image_size=1, history=[], seed=0)
    assert calibration_error(trained) == pytest.approx(100 * (0.9 - 0.75))
