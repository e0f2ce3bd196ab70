"""Every model trains by sharpness-aware steps of every scope, and shares what lies before the perturbed part."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch
import torchvision
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from bench.models import build
from bench.sam import SharpnessAware
from tests.models.nets import MODELS, batch, small_side

WHOLE = ("all", "only_norm", "no_norm")
ELEMENTWISE = ("random", "ssam_f", "ssam_d")
LARGE = {
    "wrn28_10", "vgg16_bn", "vgg19_bn", "resnet50", "resnet101", "resnet101_cifar", "vit_s4", "vit_s16", "vit_s32",
}  # fmt: skip
"""Models that element masks take seconds for. They have no kind of layer that smaller ones lack."""
CASES = [(name, scope) for name in MODELS for scope in WHOLE + (() if name in LARGE else ELEMENTWISE)]

Built = tuple[str, nn.Module]
each_model = pytest.mark.parametrize("built", MODELS, indirect=True, scope="module")
each_case = pytest.mark.parametrize(("built", "scope"), CASES, indirect=["built"], scope="module")


@pytest.fixture(scope="module")
def built(request: pytest.FixtureRequest) -> Built:
    """A name and its model, built once for all tests, which leave it as it was."""
    torch.manual_seed(0)
    return request.param, build(request.param, image_size=small_side(request.param))


def plain_forward(model: nn.Module, x: Tensor) -> Tensor:
    """The logits without the chain: as the parent class computes them, or child by child."""
    for parent in (VisionTransformer, torchvision.models.ResNet):
        if isinstance(model, parent):
            return parent.forward(model, x)
    for child in model.children():
        x = child(x)
    return x


@pytest.mark.share(8)
@each_model
def test_the_chain_is_the_network(built: Built) -> None:
    name, model = built
    model.eval()
    x, _ = batch(name)
    with torch.no_grad():
        logits = model(x)
        assert torch.equal(logits, plain_forward(model, x))
    assert logits.shape == (4, 10)


@pytest.mark.share(14)
@each_case
def test_a_step(built: Built, scope: str) -> None:
    name, model = built
    model.train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    method = aware(model, scope, {"fisher_samples": 4} if scope == "ssam_f" else {})
    method.start_epoch(0, 2, batch(name))
    method.step_batch(*batch(name), cross_entropy)
    assert_perturbed(method)
    after = model.state_dict()
    assert all(value.isfinite().all() for value in after.values())
    assert not [key for key, value in after.items() if value.dim() > 1 and torch.equal(value, before[key])]
    model.load_state_dict(before)


@pytest.mark.share(3)
@each_model
def test_what_lies_before_the_last_stage_runs_once(built: Built) -> None:
    name, model = built
    shared, plain, calls = deepcopy(model).train(), deepcopy(model).train(), []
    vars(plain)["forward"] = type(plain).forward.__get__(plain)
    methods = [aware(one, f"only_norm[{MODELS[name].stages}]") for one in (shared, plain)]
    for method in methods:
        method.step_batch(*batch(name), cross_entropy)
        assert_perturbed(method)
    for key, value in shared.state_dict().items():
        torch.testing.assert_close(value, plain.state_dict()[key], msg=lambda text, key=key: f"{key}: {text}")
    stem = next(module for module in shared.modules() if isinstance(module, nn.Conv2d))
    stem.register_forward_hook(lambda *_: calls.append(None))
    methods[0].step_batch(*batch(name), cross_entropy)
    assert len(calls) == 1


def aware(model: nn.Module, scope: str, settings: dict[str, int] | None = None) -> SharpnessAware:
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4)
    return SharpnessAware(model, optimizer, "sam", scope, 0.05, settings=settings)


def assert_perturbed(method: SharpnessAware) -> None:
    assert (method.counts.unperturbed, method.counts.skipped) == (0, 0)
    assert method.last.perturbation_norm > 0
