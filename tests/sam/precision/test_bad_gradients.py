"""Steps whose gradients are zero or not finite, or that fail: counted, and no NaN reaches the weights."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from bench.sam import SCOPES, VARIANTS, SharpnessAware
from tests.sam.references.networks import REQUIRED, GroupNormNet, base_of, batch, distance, network, sgd


def test_zero_gradient_is_counted_and_moves_nothing() -> None:
    model = network("groupnorm")
    method = SharpnessAware(model, torch.optim.SGD(model.parameters(), lr=0.1), "sam", "only_norm", 0.1)
    before = {name: p.clone() for name, p in model.state_dict().items()}
    method.step(lambda: 0 * functional.cross_entropy(model(batch()[0]), batch()[1]))
    assert method.counts.unperturbed == 1
    assert method.counts.skipped == 0
    assert all(torch.equal(p, before[name]) for name, p in model.state_dict().items())


@pytest.mark.parametrize("scope", [*SCOPES])
@pytest.mark.share(40)
@pytest.mark.parametrize("variant", VARIANTS)
def test_no_nan_reaches_the_weights(variant: str, scope: str) -> None:
    model = network("groupnorm", torch.float32)
    settings = {"esam": {"tensor_share": 1.0}, "rst": {"probability": 1.0}} | REQUIRED
    method = SharpnessAware(model, base_of(variant, "sgd", model), variant, scope, 0.1, settings=settings.get(variant))
    x, y = batch(dtype=torch.float32)
    method.start_epoch(0, 1, batch(16, dtype=torch.float32), steps=3)
    before = {name: p.clone() for name, p in model.state_dict().items()}
    method.step_batch(torch.full_like(x, math.nan), y, functional.cross_entropy)
    assert method.counts.skipped == 1
    # These perturb nothing on purpose, as they have nothing yet to look along or decide to go on.
    assert method.counts.unperturbed == (variant not in ("msam", "async_sam", "ae_sam"))
    assert all(torch.equal(p, before[name]) for name, p in model.state_dict().items())
    method.step_batch(x, y, functional.cross_entropy)
    assert method.counts.skipped == 1
    assert all(p.isfinite().all() for p in model.state_dict().values())


REMEMBERING: dict[str, dict[str, Any]] = {
    "friendly": {},
    "vasso": {},
    "async_sam": {"ascent": "computed"},
    "ae_sam": {},
    **REQUIRED,
}


@pytest.mark.share(12)
@pytest.mark.parametrize("bad", [(0,), (2,), (0, 3)])
@pytest.mark.parametrize("scope", ["all", "random"])
@pytest.mark.parametrize("variant", REMEMBERING)
def test_a_step_that_is_skipped_leaves_memories_alone(variant: str, scope: str, bad: tuple[int, ...]) -> None:
    """Five steps of which some are spoilt, against the good ones alone."""

    def trained(numbers: list[int]) -> torch.nn.Module:
        model = network("groupnorm")
        method = SharpnessAware(
            model, base_of(variant, "sgd", model), variant, scope, 0.1, settings=REMEMBERING[variant]
        )
        method.start_epoch(0, 1, steps=5)
        for number in numbers:
            x, y = batch(seed=number)
            # What depends on a step's number is another matter: a clock goes on.
            method._tally._counts.steps = number
            method.step_batch(x * (math.nan if number in bad else 1), y, functional.cross_entropy)
        return model

    assert distance(trained([0, 1, 2, 3, 4]), trained([n for n in range(5) if n not in bad])) < 1e-12


def test_non_finite_at_the_perturbed_weights_only() -> None:
    model, calls = GroupNormNet(), []
    method = SharpnessAware(model, sgd(model), "sam", "all", 0.1)
    before = {name: p.clone() for name, p in model.state_dict().items()}

    def closure() -> Tensor:
        calls.append(None)
        loss = functional.cross_entropy(model(batch(dtype=torch.float32)[0]), batch()[1])
        return loss * (math.inf if len(calls) == 2 else 1)

    method.step(closure)
    assert (method.counts.skipped, method.counts.unperturbed) == (1, 0)
    assert all(torch.equal(p, before[name]) for name, p in model.state_dict().items())


def test_a_non_finite_direction_is_not_remembered() -> None:
    model, calls = GroupNormNet(), []
    method = SharpnessAware(model, sgd(model), "looksam", "all", 0.1)

    def closure() -> Tensor:
        calls.append(None)
        loss = functional.cross_entropy(model(batch(dtype=torch.float32)[0]), batch()[1])
        return loss * (math.inf if len(calls) == 2 else 1)

    for _ in range(4):
        method.step(closure)
    assert method.counts.skipped == 1


@pytest.mark.parametrize("variant", ["gsam", "looksam", "wsam", "stable_sam", "friendly", "vasso"])
def test_non_finite_gradient_at_w_is_neither_mixed_in_nor_remembered(variant: str) -> None:
    model, calls = GroupNormNet(), []
    method = SharpnessAware(model, sgd(model), variant, "all", 0.1)

    def closure() -> Tensor:
        calls.append(None)
        loss = functional.cross_entropy(model(batch(dtype=torch.float32)[0]), batch()[1])
        return loss * (math.inf if len(calls) == 1 else 1)

    for _ in range(3):
        method.step(closure)
        assert all(p.isfinite().all() for p in model.parameters())
    assert (method.counts.skipped, method.counts.unperturbed) == (0, 1)


def test_a_mask_is_not_renewed_by_a_step_without_an_update() -> None:
    model = network("groupnorm")
    method = SharpnessAware(model, sgd(model), "sam", "ssam_d", 0.1)
    method.start_epoch(0, 2)
    (x, y), before = batch(), method._scope.flat_mask()
    method.step_batch(x * math.inf, y, functional.cross_entropy)
    assert torch.equal(method._scope.flat_mask(), before)
    method.step_batch(x, y, functional.cross_entropy)
    assert not torch.equal(method._scope.flat_mask(), before)


def test_an_error_in_a_pass_leaves_the_model_as_it_was() -> None:
    model, calls = network("resnet8"), []
    method = SharpnessAware(model, sgd(model), "sam", "only_norm[3]", 0.1)
    before = {name: p.clone() for name, p in model.named_parameters()}

    def closure() -> Tensor:
        calls.append(model(batch()[0]))
        if len(calls) == 2:
            raise RuntimeError("out of memory")
        return functional.cross_entropy(calls[-1], batch()[1])

    with pytest.raises(RuntimeError, match="out of memory"):
        method.step(closure)
    assert "forward" not in vars(model)
    assert all(p.requires_grad and torch.equal(p, before[name]) for name, p in model.named_parameters())
    method.step(closure)


def test_an_error_in_a_later_micro_batch_leaves_no_gradients_to_trip_over() -> None:
    model, calls = network("groupnorm"), []
    method = SharpnessAware(model, sgd(model), "sam", "all", 0.1, m=4)

    def loss_fn(outputs: Tensor, targets: Tensor) -> Tensor:
        calls.append(None)
        if len(calls) == 3:
            raise RuntimeError("out of memory")
        return functional.cross_entropy(outputs, targets)

    with pytest.raises(RuntimeError, match="out of memory"):
        method.step_batch(*batch(), loss_fn)
    method.step_batch(*batch(), loss_fn)
