"""Is a step as its formula says?"""

import torch

from bench.examples.sign_sgd import SignSgd


def test_a_step_by_hand() -> None:
    weight = torch.nn.Parameter(torch.tensor([1.0, -2.0]))
    optimizer = SignSgd([{"params": [weight], "weight_decay": 0.5}], lr=0.1)
    weight.grad = torch.tensor([3.0, -4.0])
    optimizer.step()
    torch.testing.assert_close(weight.detach(), torch.tensor([1.0 * 0.95 - 0.1, -2.0 * 0.95 + 0.1]))
