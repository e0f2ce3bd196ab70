"""Where a class of ours stands beside one of torchvision or timm, both compute the same from the same weights."""

from __future__ import annotations

from functools import partial

import pytest
import timm
import torch
import torchvision
from torch import nn
from torchvision.models.resnet import BasicBlock as TheirBasicBlock
from torchvision.models.resnet import Bottleneck as TheirBottleneck
from torchvision.models.vgg import cfgs, make_layers

from bench.models.densenet import DenseNet
from bench.models.residual import BasicBlock, Bottleneck
from bench.models.resnet import Block, ResNet
from bench.models.vgg import vgg13_bn
from tests.models.nets import on_meta

SHAPE = {"num_classes": 10, "in_channels": 3, "image_size": 32}


def assert_same(ours: nn.Module, theirs: nn.Module, side: int) -> None:
    """Give `theirs` the weights of `ours`, by order, and compare logits and gradients."""
    names = theirs.state_dict().keys()
    theirs.load_state_dict(dict(zip(names, ours.state_dict().values(), strict=True)))
    torch.manual_seed(0)
    x = torch.randn(2, 3, side, side, dtype=torch.float64)
    logits = [model.double()(x) for model in (ours, theirs)]
    torch.testing.assert_close(*logits)
    for value in logits:
        value.square().mean().backward()
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad)


def small_stem(model: torchvision.models.ResNet) -> torchvision.models.ResNet:
    model.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
    model.maxpool = nn.Identity()
    return model


@pytest.mark.parametrize(
    ("block", "widths", "theirs"),
    [
        (BasicBlock, (64, 128, 256, 512), partial(torchvision.models.ResNet, TheirBasicBlock)),
        (Bottleneck, (256, 512, 1024, 2048), partial(torchvision.models.ResNet, TheirBottleneck)),
        (
            partial(Bottleneck, reduction=2, groups=32),
            (256, 512, 1024, 2048),
            partial(torchvision.models.ResNet, TheirBottleneck, groups=32, width_per_group=4),
        ),
    ],
    ids=["basic", "bottleneck", "grouped"],
)
def test_resnet(block: Block, widths: tuple[int, ...], theirs: partial[torchvision.models.ResNet]) -> None:
    blocks = (2, 1, 1, 1)
    ours = ResNet(block, stem=64, widths=widths, blocks=blocks, **SHAPE)
    assert_same(ours, small_stem(theirs(list(blocks), num_classes=10)), side=8)


def test_vgg() -> None:
    theirs = nn.Sequential(make_layers(cfgs["B"], batch_norm=True), nn.Flatten(), nn.Linear(512, 10))
    assert_same(vgg13_bn(**SHAPE), theirs, side=32)


def test_densenet() -> None:
    theirs = torchvision.models.DenseNet(12, (2, 2, 2), 24, num_classes=10)  # type: ignore[arg-type]
    theirs.features.conv0 = nn.Conv2d(3, 24, 3, padding=1, bias=False)
    for name in ("norm0", "relu0", "pool0"):
        setattr(theirs.features, name, nn.Identity())
    assert_same(DenseNet(16, 12, **SHAPE), theirs, side=8)


@pytest.mark.parametrize(
    ("name", "theirs", "image_size"),
    [
        ("resnet50", torchvision.models.resnet50, 224),
        ("resnet101", torchvision.models.resnet101, 224),
        ("resnet50", partial(timm.create_model, "resnet50"), 224),
        ("vit_s16", partial(timm.create_model, "vit_small_patch16_224"), 224),
        ("vit_s32", partial(timm.create_model, "vit_small_patch32_224"), 224),
    ],
)
def test_names_and_shapes_for_pretrained_weights(name: str, theirs: partial[nn.Module], image_size: int) -> None:
    ours = on_meta(name, num_classes=1000, image_size=image_size)
    with torch.device("meta"):
        wanted = theirs().state_dict()
    assert {key: value.shape for key, value in ours.state_dict().items()} == {
        key: value.shape for key, value in wanted.items()
    }
