"""Passes: what the step counts is what runs, and what variants declare is what the step counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from bench.estimate.rule import step_factor
from bench.sam import VARIANTS, SharpnessAware
from bench.sam.base.unperturbed import Plain
from bench.sam.cost import passes_per_step
from bench.trial import Trial
from tests.sam.references.networks import REQUIRED

N, STEPS = 16, 6


class Network(nn.Module):
    """Counts the samples that go through it, forward alone as a third."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 8), nn.LayerNorm(8), nn.Linear(8, 3))
        self.passes = 0.0

    def forward(self, x: Tensor) -> Any:
        self.passes += len(x) / N * (1 if torch.is_grad_enabled() else 1 / 3)
        return self.layers(x)


def run(make: Callable[[Network, torch.optim.Optimizer], Any]) -> tuple[float, float]:
    """Passes of a step that ran, and that were counted."""
    torch.manual_seed(0)
    network = Network()
    method = make(network, torch.optim.SGD(network.parameters(), lr=0.1))
    method.start_epoch(0, 1, steps=STEPS)
    for _ in range(STEPS):
        method.step_batch(torch.randn(N, 4), torch.randint(3, (N,)), cross_entropy)
    return network.passes / STEPS, method.counts.passes / STEPS


CASES: dict[str, dict[str, Any]] = {
    **{name: {"variant": name, "settings": REQUIRED.get(name, {})} for name in VARIANTS},
    "looksam": {"variant": "looksam", "settings": {"every": 3}},
    "rst": {"variant": "rst", "settings": {"probability": 1.0}},
    "micro-batches": {"variant": "sam", "m": 4},
    "on a part": {"variant": "sam", "ascent_share": 0.25},
    "on norm layers": {"variant": "sam", "scope": "only_norm"},
}


@pytest.mark.parametrize("case", CASES)
def test_counted_passes_are_those_that_run_and_that_are_declared(make_trial: Callable[..., Trial], case: str) -> None:
    fields = CASES[case]

    def make(network: Network, optimizer: torch.optim.Optimizer) -> SharpnessAware:
        base = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9) if fields["variant"] == "msam" else optimizer
        return SharpnessAware(network, base, rho=0.1, **fields)

    ran, counted = run(make)
    assert counted == pytest.approx(ran)
    of_trial = {name: value for name, value in fields.items() if name not in ("settings", "m")}
    settings = tuple(fields.get("settings", {}).items())
    trial = make_trial(**{"scope": "all", "rho": 0.1, **of_trial, "settings": settings})
    if (declared := passes_per_step(trial)) is not None:
        assert declared == pytest.approx(counted)
        assert step_factor(trial) == (5 / 3 if trial.scope == "only_norm" else declared)


def test_the_base_optimizer_takes_one_pass_and_a_method_that_is_off_too() -> None:
    assert run(lambda network, optimizer: Plain(network, optimizer, m=4)) == pytest.approx((1, 1))

    def off(network: Network, optimizer: torch.optim.Optimizer) -> SharpnessAware:
        method = SharpnessAware(network, optimizer)
        method.enabled = False
        return method

    assert run(off) == pytest.approx((1, 1))


def test_epochs_without_perturbation_cost_one_pass(make_trial: Callable[..., Trial]) -> None:
    sam = {"variant": "sam", "scope": "all", "rho": 0.1, "epochs": 8}
    assert passes_per_step(make_trial(**sam, perturb_from=7)) == pytest.approx(1 + 1 / 8)
    assert passes_per_step(make_trial(**sam, perturb_until=2)) == pytest.approx(1 + 2 / 8)
    assert passes_per_step(make_trial(**sam, cooldown_epochs=2, perturb_until=5)) == pytest.approx(1.5)


def test_passes_of_a_run_that_did_not_count_them_are_unknown() -> None:
    network = Network()
    method = SharpnessAware(network, torch.optim.SGD(network.parameters(), lr=0.1))
    state = method.state_dict()
    del state["counts"]["passes"]
    method.load_state_dict(state)
    assert method.counts.passes != method.counts.passes
