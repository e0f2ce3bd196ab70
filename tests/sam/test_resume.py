"""A run that is interrupted and resumed gives the bits of one that isn't."""

from __future__ import annotations

import io
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from bench.sam import SharpnessAware
from tests.sam.references.networks import REQUIRED, base_of, batch, network, states_equal

EPOCHS, STEPS, STOP = 3, 3, 5
CASES = [
    ("sam", "ssam_d", {}),
    ("sam", "ssam_f", {"fisher_samples": 4}),
    ("sam", "random", {}),
    ("esam", "all", {}),
    ("looksam", "only_norm", {"every": 4}),
    ("gsam", "all", {"alpha": 0.3, "rho_min": 0.01}),
    ("layerwise_l2", "only_norm[3]", {}),
    ("friendly", "random", {}),
    ("vasso", "only_norm[3]", {}),
    ("msam", "all", {}),
    ("async_sam", "only_norm", {}),
    ("async_sam", "all", {"ascent": "computed"}),
    ("ae_sam", "all", {"threshold_start": 4.0}),
    ("rst", "all", {}),
    ("unified_sam", "all", {"schedule": "rising"}),
    ("wsam", "only_norm", {}),
    ("bsam", "only_norm", REQUIRED["bsam"]),
]


class Run:
    """Nine steps in three epochs, with a falling learning rate."""

    def __init__(self, variant: str, scope: str, settings: dict[str, Any], lr: float = 0.05) -> None:
        self.model = network("resnet8", torch.float32)
        self.optimizer = base_of(variant, "sgd", self.model)
        self.optimizer.param_groups[0]["lr"] = lr
        self.method = SharpnessAware(self.model, self.optimizer, variant, scope, 0.1, settings=settings)

    def steps(self, first: int, last: int) -> None:
        for number in range(first, last):
            if number == first or number % STEPS == 0:
                samples = batch(8, seed=100 + number // STEPS, dtype=torch.float32)
                self.method.start_epoch(number // STEPS, EPOCHS, lambda samples=samples: samples, steps=STEPS)
            self.optimizer.param_groups[0]["lr"] = 0.05 * (1 - number / 10)
            self.method.step_batch(*batch(seed=number, dtype=torch.float32), functional.cross_entropy)

    def save(self) -> io.BytesIO:
        file = io.BytesIO()
        parts = [self.model.state_dict(), self.optimizer.state_dict(), self.method.state_dict()]
        torch.save(parts, file)
        file.seek(0)
        return file

    def load(self, file: io.BytesIO) -> None:
        model, optimizer, method = torch.load(file, weights_only=True)
        self.model.load_state_dict(model)
        self.optimizer.load_state_dict(optimizer)
        self.method.load_state_dict(method)


@pytest.mark.share(10)
@pytest.mark.parametrize(("variant", "scope", "settings"), CASES)
@pytest.mark.parametrize("stop", [STOP, STEPS, 2 * STEPS + 1])
def test_resume_is_bitwise(variant: str, scope: str, settings: dict[str, Any], stop: int) -> None:
    through, resumed = Run(variant, scope, settings), Run(variant, scope, settings)
    through.steps(0, EPOCHS * STEPS)
    resumed.steps(0, stop)
    later = Run(variant, scope, settings, lr=0.001)
    later.load(resumed.save())
    later.steps(stop, EPOCHS * STEPS)
    assert states_equal(through.model, later.model)
    assert through.method.counts == later.method.counts


def test_state_of_another_method_is_refused() -> None:
    state = Run("sam", "all", {}).method.state_dict()
    with pytest.raises(ValueError, match="this is sam on only_norm, and the state is of sam on all"):
        Run("sam", "only_norm", {}).method.load_state_dict(state)


def test_a_threshold_that_follows_the_run_refuses_a_run_of_another_length() -> None:
    run, other = Run("ae_sam", "all", {}), Run("ae_sam", "all", {})
    run.steps(0, 1)
    other.load(run.save())
    other.method.start_epoch(0, EPOCHS + 1, steps=STEPS)
    with pytest.raises(ValueError, match="ae_sam was saved in a run of 9 steps, and this one has 12"):
        other.method.step_batch(*batch(dtype=torch.float32), functional.cross_entropy)


def test_state_is_not_tied_to_the_run() -> None:
    run = Run("looksam", "all", {})
    run.steps(0, 1)
    state = run.method.state_dict()
    kept = {name: v.clone() for name, v in state["variant"]["orthogonal"].items()}
    run.method.load_state_dict(state)
    run.steps(1, 4)
    assert all(torch.equal(v, kept[name]) for name, v in state["variant"]["orthogonal"].items())
    assert isinstance(run.model, nn.Module)
