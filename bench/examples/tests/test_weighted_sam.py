"""Is a half the same as SAM, and more another step?"""

import torch
from torch import nn

from bench.sam import SharpnessAware


def weights_after_a_step(variant: str, **settings: float) -> torch.Tensor:
    torch.manual_seed(0)
    model = nn.Linear(4, 3)
    images, labels = torch.randn(8, 4), torch.arange(8) % 3
    method = SharpnessAware(model, torch.optim.SGD(model.parameters(), lr=0.1), variant, settings=settings, rho=0.5)
    method.step_batch(images, labels, nn.functional.cross_entropy)
    return model.weight.detach()


def test_a_half_is_sam_and_more_is_not() -> None:
    sam = weights_after_a_step("sam")
    torch.testing.assert_close(weights_after_a_step("bench.examples.weighted_sam:WeightedSam", gamma=0.5), sam)
    assert not torch.allclose(weights_after_a_step("bench.examples.weighted_sam:WeightedSam", gamma=0.9), sam)
