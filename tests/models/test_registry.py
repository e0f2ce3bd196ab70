"""Looking models up by name, timm's among them, and what is said of a name or image size that won't do."""

from __future__ import annotations

import subprocess
import sys

import pytest
import timm
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from bench.errors import UserError
from bench.models import build, check_image_size, entry
from bench.sam import SharpnessAware
from tests.models.nets import MODELS


@pytest.mark.parametrize("name", MODELS)
def test_entries_of_the_registry(name: str) -> None:
    assert entry(name) is MODELS[name]
    assert entry(name).family == ("vit" if name.startswith("vit") else "resnet")


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("timm/resnet10t", "resnet"),
        ("timm/convnext_tiny", "resnet"),
        ("timm/vit_tiny_patch16_224", "vit"),
        ("timm/vit_small_patch16_224.augreg_in21k", "vit"),
        ("timm/deit_tiny_patch16_224", "vit"),
    ],
)
def test_entries_of_timm(name: str, family: str) -> None:
    found = entry(name)
    assert (found.family, found.stages, found.min_size, found.multiple_of) == (family, 0, 1, 1)
    assert callable(entry(name).load())


@pytest.mark.parametrize("name", ["resnet57", "", "timm", "timm/", "hub/resnet50"])
def test_unknown_names(name: str) -> None:
    with pytest.raises(KeyError, match=r"there are resnet8, .*, and timm/NAME for a model of timm"):
        entry(name)


def test_entries_need_no_torch() -> None:
    code = (
        "import sys; from bench.models import check_image_size, entry\n"
        "assert entry('timm/vit_tiny_patch16_224').family == 'vit'\n"
        "assert check_image_size('vit_s16', 30)\n"
        "sys.exit(bool({'torch', 'timm'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("name", "image_size", "fault"),
    [
        ("vgg16_bn", 28, "vgg16_bn takes images of at least 32×32 pixels, not 28×28"),
        ("densenet100", 3, "densenet100 takes images of at least 4×4 pixels, not 3×3"),
        ("vit_s16", 8, "vit_s16 takes images of at least 16×16 pixels, not 8×8"),
        ("vit_s16", 40, "vit_s16 takes images whose side is a multiple of 16 pixels, not 40×40"),
    ],
)
def test_image_sizes_that_do_not_fit(name: str, image_size: int, fault: str) -> None:
    assert check_image_size(name, image_size) == fault
    with pytest.raises(UserError) as caught:
        build(name, image_size=image_size)
    assert str(caught.value) == fault


@pytest.mark.parametrize(
    ("name", "image_size"), [("resnet56", 1), ("vgg19_bn", 33), ("vit_s16", 224), ("vit_mini", 8), ("timm/vgg11", 7)]
)
def test_image_sizes_that_fit(name: str, image_size: int) -> None:
    assert check_image_size(name, image_size) is None


@pytest.mark.parametrize("name", ["timm/test_vit", "timm/test_resnet", "timm/test_vit.r160_in1k"])
def test_a_model_of_timm_trains(name: str) -> None:
    torch.manual_seed(0)
    model = build(name, num_classes=7, in_channels=1, image_size=32)
    x, y = torch.randn(4, 1, 32, 32), torch.arange(4)
    assert model(x).shape == (4, 7)
    method = SharpnessAware(model, torch.optim.SGD(model.parameters(), lr=0.1), "sam", "only_norm", 0.1)
    method.step_batch(x, y, cross_entropy)
    assert (method.counts.unperturbed, method.counts.skipped) == (0, 0)


def test_a_model_of_timm_is_what_timm_makes() -> None:
    torch.manual_seed(0)
    ours = build("timm/test_vit", num_classes=10, image_size=32)
    torch.manual_seed(0)
    theirs = timm.create_model("test_vit", num_classes=10, img_size=32)
    pairs = zip(ours.state_dict().values(), theirs.state_dict().values(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)
    assert isinstance(ours.patch_embed, nn.Module)
    assert ours.patch_embed.img_size == (32, 32)


def test_timm_has_no_such_model() -> None:
    with pytest.raises(UserError, match=r"timm [\d.]+ has no model 'resnet1O1'; nearest: .*resnet101"):
        build("timm/resnet1O1")


def test_timm_has_no_such_weights() -> None:
    with pytest.raises(UserError, match=r"can't build test_vit\.nothing .* 32×32 images of 3 channels and 10 classes"):
        build("timm/test_vit.nothing")
