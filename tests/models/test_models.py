"""Every model: how large it is, its chain of segments, how it starts."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from bench.models import build
from bench.sam.norms import norm_parameters
from bench.sam.stages import parameter_stages
from tests.models.nets import MODELS, count, on_meta, small_side

TOTALS = [
    ("resnet56", 32, 10, 855_770),
    ("resnet56", 32, 100, 861_620),
    ("resnext29_32x4d", 32, 10, 4_775_754),
    ("resnext29_32x4d", 32, 100, 4_868_004),
    ("wrn28_10", 32, 10, 36_479_194),
    ("wrn28_10", 32, 100, 36_536_884),
    ("resnet18", 32, 10, 11_173_962),
    ("resnet18", 32, 100, 11_220_132),
    ("vgg13_bn", 32, 10, 9_416_010),
    ("vgg13_bn", 32, 100, 9_462_180),
    ("vgg16_bn", 32, 10, 14_728_266),
    ("vgg16_bn", 32, 100, 14_774_436),
    ("vgg19_bn", 32, 10, 20_040_522),
    ("vgg19_bn", 32, 100, 20_086_692),
    ("densenet100", 32, 10, 769_162),
    ("densenet100", 32, 100, 800_032),
    ("vit_t4", 32, 10, 5_362_762),
    ("vit_t4", 32, 100, 5_380_132),
    ("vit_s4", 32, 10, 21_342_346),
    ("vit_s4", 32, 100, 21_376_996),
    ("resnet50", 224, 1000, 25_557_032),
    ("resnet101", 224, 1000, 44_549_160),
    ("resnet101_cifar", 32, 10, 42_512_970),
    ("vit_s32", 224, 1000, 22_878_952),
    ("vit_s16", 224, 1000, 22_050_664),
]

NORMS = {
    "resnet56": 4_256,
    "resnext29_32x4d": 25_216,
    "wrn28_10": 17_952,
    "resnet18": 9_600,
    "vgg13_bn": 5_888,
    "vgg16_bn": 8_448,
    "vgg19_bn": 11_008,
    "densenet100": 23_988,
    "vit_t4": 9_600,
    "vit_s4": 19_200,
    "resnet50": 53_120,
    "resnet101": 105_344,
    "resnet101_cifar": 105_344,
    "vit_s32": 19_200,
    "vit_s16": 19_200,
}


@pytest.mark.parametrize(("name", "image_size", "classes", "total"), TOTALS)
def test_totals(name: str, image_size: int, classes: int, total: int) -> None:
    assert count(on_meta(name, num_classes=classes, image_size=image_size).parameters()) == total


@pytest.mark.parametrize("name", MODELS)
def test_the_recorded_number_of_parameters_is_that_of_the_natural_size(name: str) -> None:
    classes = 10 if MODELS[name].image_size == 32 else 1000
    assert count(on_meta(name, num_classes=classes).parameters()) == MODELS[name].parameters


@pytest.mark.parametrize("name", NORMS)
def test_norm_parameters(name: str) -> None:
    assert count(norm_parameters(on_meta(name)).values()) == NORMS[name]


def test_the_name_rule_finds_in_resnet18_what_the_authors_count() -> None:
    assert count(norm_parameters(on_meta("resnet18"), "name").values()) == 7_808


@pytest.mark.parametrize("name", MODELS)
def test_stages(name: str) -> None:
    model = on_meta(name)
    numbers = [segment.stage for segment in model.segments()]
    assert numbers == sorted(numbers)
    assert set(numbers) == set(range(1, MODELS[name].stages + 1))
    stages = list(parameter_stages(model).values())
    assert set(stages) == set(numbers)
    assert stages[0] == 1, "the stem counts to the first stage"
    assert stages[-1] == numbers[-1], "the head counts to the last stage"


def test_stages_of_transitions_and_final_norms() -> None:
    stages = parameter_stages(on_meta("densenet100"))
    assert stages["stage1.16.conv.weight"] == 1
    assert stages["final.0.weight"] == 3
    stages = parameter_stages(on_meta("resnet50"))
    assert [stages[name] for name in ("bn1.weight", "layer1.0.bn1.weight", "layer4.2.bn3.weight", "fc.bias")] == [
        1, 1, 4, 4,
    ]  # fmt: skip
    assert parameter_stages(on_meta("vit_t4"))["norm.weight"] == 12


@pytest.mark.share(8)
@pytest.mark.parametrize("name", MODELS)
def test_grey_images_and_other_classes(name: str) -> None:
    side = small_side(name)
    model = on_meta(name, num_classes=7, in_channels=1, image_size=side)
    assert model(torch.empty(2, 1, side, side, device="meta")).shape == (2, 7)


@pytest.mark.share(8)
@pytest.mark.parametrize("name", MODELS)
def test_the_smallest_image(name: str) -> None:
    side = MODELS[name].min_size
    model = on_meta(name, image_size=side)
    assert model.training
    assert model(torch.empty(2, 3, side, side, device="meta")).shape == (2, 10)


@pytest.mark.parametrize("name", [name for name in MODELS if MODELS[name].family == "resnet"])
def test_no_smaller_image(name: str) -> None:
    side = MODELS[name].min_size - 1
    with pytest.raises(RuntimeError):
        on_meta(name)(torch.empty(2, 3, side, side, device="meta"))


@pytest.mark.parametrize("name", ["resnet20", "resnet18", "resnext29_32x4d", "wrn16_2", "vgg13_bn", "densenet100"])
def test_convolutions_start_by_fan_out_and_norms_at_one(name: str) -> None:
    torch.manual_seed(0)
    model = build(name)
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            fan_out = module.out_channels * math.prod(module.kernel_size)
            assert float(module.weight.detach().std()) == pytest.approx(math.sqrt(2 / fan_out), rel=0.15)
            assert module.bias is None or not module.bias.any()
        if isinstance(module, nn.BatchNorm2d):
            assert module.weight.eq(1).all()
            assert not module.bias.any()
