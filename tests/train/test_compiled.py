"""Does a worker compile for its first trial only, and is the next one what it would be alone?"""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from bench.plugins import importing
from bench.train.training import Training
from bench.trial import Trial

# Twenty seconds of a C++ compiler, for what no sweep of ours sets.
pytestmark = [pytest.mark.slow, pytest.mark.share(0)]


def trained(seed: int, batch_size: int) -> tuple[dict[str, Tensor], int]:
    """The weights of a compiled network after an epoch, whose last batch is smaller, and how much was compiled."""
    from torch._dynamo.utils import counters

    counters.clear()
    trial = Trial(
        dataset="digits", model="bench.examples.mlp:mlp", optimizer="sgd", variant="sam", scope="only_norm", rho=0.1,
        lr=0.05, weight_decay=5e-4, batch_size=batch_size, epochs=1, compile=True, seed=seed,
        settings=(("momentum", 0.9), ("nesterov", False), ("width", 8)),
    )  # fmt: skip
    with importing():
        training = Training(trial, torch.device("cpu"))
        training.run_epoch()
    return training.model.state_dict(), counters["stats"]["unique_graphs"]


def test_the_next_trial_finds_compiled_code() -> None:
    from torch._dynamo import reset

    reset()
    # Pass 1 and pass 2 on whole batches; nothing for the last batch and the evaluation.
    assert [trained(1, 100)[1], trained(1, 64)[1]] == [2, 2]
    after_others, compiled = trained(2, 64)
    assert compiled == 0
    reset()
    alone, compiled = trained(2, 64)
    assert compiled == 2
    assert all(torch.equal(tensor, alone[name]) for name, tensor in after_others.items())
