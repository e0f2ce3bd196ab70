"""AutoAugment on batches: its draws against the published policy, its pixels against Pillow's and torchvision's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import product

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.stats import chi2_contingency, chisquare
from torch import Generator, Tensor
from torchvision.transforms import AutoAugment, AutoAugmentPolicy, InterpolationMode, v2
from torchvision.transforms.autoaugment import _apply_op

from bench.data.augmentations import autoaugment
from bench.data.augmentations import basic as augment
from bench.data.augmentations.autoaugment import NUMBERS, OPERATIONS
from bench.data.augmentations.autoaugment_operations import Operation
from tests.data.pillow import by_pillow

PUBLISHED_POLICY = """
Invert .1 -, Contrast .2 6
Rotate .7 2, TranslateX .3 9
Sharpness .8 1, Sharpness .9 3
ShearY .5 8, TranslateY .7 9
AutoContrast .5 -, Equalize .9 -
ShearY .2 7, Posterize .3 7
Color .4 3, Brightness .6 7
Sharpness .3 9, Brightness .7 9
Equalize .6 -, Equalize .5 -
Contrast .6 7, Sharpness .6 5
Color .7 7, TranslateX .5 8
Equalize .3 -, AutoContrast .4 -
TranslateY .4 3, Sharpness .2 6
Brightness .9 6, Color .2 8
Solarize .5 2, Invert 0 -
Equalize .2 -, AutoContrast .6 -
Equalize .2 -, Equalize .6 -
Color .9 9, Equalize .6 -
AutoContrast .8 -, Solarize .2 8
Brightness .1 3, Color .7 0
Solarize .4 5, AutoContrast .9 -
TranslateY .9 9, TranslateY .7 9
AutoContrast .9 -, Solarize .8 3
Equalize .8 -, Invert .1 -
TranslateY .7 9, AutoContrast .9 -
"""
"""Operation, probability and level of the first and the second operation; a level that means nothing is left out."""

UNSIGNED = {"Posterize", "Solarize", "AutoContrast", "Equalize", "Invert"}


def seeded(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def sample_images(n: int, channels: int, size: int) -> Tensor:
    """Half smooth, half noise; a black, a grey and a white one among them, whose histograms are special cases."""
    noise = torch.rand(n, channels, size // 4, size // 4, generator=seeded())
    smooth = torch.nn.functional.interpolate(noise, size=size, mode="bicubic").clamp(0, 1).mul(255).byte()
    smooth[::2] = torch.randint(256, smooth[::2].shape, generator=seeded(), dtype=torch.uint8)
    for index, level in enumerate((0, 120, 255)):
        smooth[index] = level
    return smooth


@pytest.mark.parametrize("flip", [False, True])
def test_autoaugment_is_basic_and_then_both_operations(flip: bool) -> None:
    images, draws = sample_images(200, 3, 32), seeded(5)
    augmented = autoaugment.basic_autoaugment(images, seeded(5), flip=flip)
    expected = augment.basic(images, draws, flip=flip)
    for numbers in autoaugment.draw(200, draws):
        expected = torch.cat([OPERATIONS[number](image[None]) for number, image in zip(numbers, expected, strict=True)])
    assert torch.equal(augmented, expected)


def published() -> Iterator[list[tuple[str, float, int | None]]]:
    for line in PUBLISHED_POLICY.strip().splitlines():
        words = [step.split() for step in line.split(",")]
        yield [(name, float(share), None if level == "-" else int(level)) for name, share, level in words]


def test_policy_is_the_published_one() -> None:
    probabilities = autoaugment.PROBABILITIES.tolist()
    assert len(probabilities) == len(NUMBERS) == 25
    for pair, both, shares in zip(published(), NUMBERS, probabilities, strict=True):
        for (name, share, level), (positive, negative), ours in zip(pair, both, shares, strict=True):
            assert OPERATIONS[positive] == (name, level, 1)
            assert OPERATIONS[negative] == (name, level, 1 if name in UNSIGNED else -1)
            assert ours == pytest.approx(share)


Done = tuple[tuple[str, float], ...]
"""The operations that an image got and their magnitudes."""


def done(numbers: Tensor) -> Counter[Done]:
    magnitudes = [(operation.name, operation.magnitude(32, 32)) for operation in OPERATIONS]
    return Counter(tuple(magnitudes[number] for number in pair if number) for pair in numbers.T.tolist())


def outcomes(name: str, share: float, level: int | None) -> list[tuple[Done, float]]:
    """What one step of a sub-policy may do to an image, with probabilities."""
    signs = (1,) if name in UNSIGNED else (1, -1)
    operations = [Operation(name, level, sign) for sign in signs]
    return [((), 1 - share), *((((name, one.magnitude(32, 32)),), share / len(signs)) for one in operations)]


def test_operations_are_as_frequent_as_published() -> None:
    n, expected = 200_000, Counter[Done]()
    for first, second in published():
        for (before, p), (after, q) in product(outcomes(*first), outcomes(*second)):
            expected[before + after] += n / 25 * p * q
    expected = +expected
    observed = done(autoaugment.draw(n, seeded()))
    assert set(observed) <= set(expected)
    assert chisquare([observed[key] for key in expected], list(expected.values())).pvalue > 1e-3


class Recorder(v2.AutoAugment):
    """torchvision's transform, which notes what it would do instead of doing it."""

    def __init__(self) -> None:
        super().__init__(AutoAugmentPolicy.CIFAR10)
        self.noted: list[tuple[str, float]] = []

    def _apply_image_or_video_transform(
        self, image: Tensor, transform_id: str, magnitude: float, **options: object
    ) -> Tensor:
        self.noted.append((transform_id, magnitude))
        return image


def test_operations_are_as_frequent_as_torchvisions() -> None:
    n, theirs, image = 10_000, Counter[Done](), torch.zeros(3, 32, 32, dtype=torch.uint8)
    recorder = Recorder()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for _ in range(n):
            recorder.noted = []
            recorder(image)
            theirs[tuple(recorder.noted)] += 1
    ours = done(autoaugment.draw(n, seeded(1)))
    common = [key for key in ours | theirs if ours[key] + theirs[key] >= 10]
    table = [[counts[key] for key in common] for counts in (ours, theirs)]
    table = [[*row, n - sum(row)] for row in table]
    assert chi2_contingency(np.array(table)).pvalue > 1e-3


def as_torchvision(
    image: Tensor, sub_policy: int, negative: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> Tensor:
    """torchvision's transform of one image where this sub-policy is drawn, both operations apply, with these signs."""
    original = v2.AutoAugment(AutoAugmentPolicy.CIFAR10)
    draws = []
    for (name, _, _), sign in zip(original._policies[sub_policy], negative, strict=True):
        draws += [0.0] if name in UNSIGNED else [0.0, 0.25 if sign else 0.75]
    with monkeypatch.context() as patch:
        patch.setattr(torch, "randint", lambda *_: torch.tensor(sub_policy))
        patch.setattr(torch, "rand", lambda *_: torch.tensor(draws.pop(0)))
        transformed: Tensor = original(image)
    assert not draws
    return transformed


@pytest.mark.parametrize(("channels", "size"), [(3, 32), (1, 8)])
def test_groups_equal_torchvisions_single_images(channels: int, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every sub-policy with every pair of signs, mixed in one batch."""
    ways = list(product(range(25), product((0, 1), repeat=2))) * 4
    images = sample_images(len(ways), channels, size)[torch.randperm(len(ways), generator=seeded())]
    expected = torch.stack([as_torchvision(x, *way, monkeypatch) for x, way in zip(images, ways, strict=True)])
    augmented = images
    for position in range(2):
        numbers = [NUMBERS[sub_policy, position, negative[position]] for sub_policy, negative in ways]
        augmented = autoaugment.apply(augmented, torch.stack(numbers), Operation.by_torchvision)
    assert torch.equal(augmented, expected)


@pytest.mark.parametrize("operation", OPERATIONS[1:], ids=str)
def test_torchvisions_operations_are_within_a_grey_level_of_those_on_pil_images(operation: Operation) -> None:
    """Of the first version of torchvision's transform, which the benchmark of input compares with."""
    levels, _ = AutoAugment(AutoAugmentPolicy.CIFAR10)._augmentation_space(10, (32, 32))[operation.name]
    magnitude = 0.0 if operation.level is None else operation.sign * float(levels[operation.level])
    images = sample_images(12, 3, 32)
    for image, ours in zip(images, operation.by_torchvision(images), strict=True):
        theirs = np.array(_apply_op(as_pil(image), operation.name, magnitude, InterpolationMode.NEAREST, fill=None))
        difference = ours.int() - torch.from_numpy(theirs).permute(2, 0, 1).int()
        assert difference.abs().max() <= 1


def as_pil(image: Tensor) -> Image.Image:
    return Image.fromarray(image.permute(1, 2, 0).numpy())


EXACT = frozenset({"TranslateX", "TranslateY", "Rotate", "Posterize", "Solarize", "Equalize", "Invert"})
"""Operations that are the same to the grey level."""


@pytest.mark.parametrize("operation", OPERATIONS[1:], ids=str)
def test_operations_are_those_of_the_authors_on_pil_images(operation: Operation) -> None:
    images = sample_images(20, 3, 32)
    theirs = [torch.from_numpy(np.array(by_pillow(as_pil(image), operation))).permute(2, 0, 1) for image in images]
    difference = (operation(images).int() - torch.stack(theirs).int()).abs()
    assert difference.max() <= (0 if operation.name in EXACT else 1)
    if operation.name == "ShearY":
        assert (difference > 0).float().mean() < 0.011


@pytest.mark.parametrize("operation", [Operation("ShearY", 8, -1), Operation("TranslateY", 9, 1)], ids=str)
def test_images_that_are_not_square_and_grey_ones(operation: Operation) -> None:
    image = torch.randint(256, (1, 1, 12, 20), generator=seeded(), dtype=torch.uint8)
    theirs = np.array(by_pillow(as_pil(image[0].expand(3, -1, -1)), operation))[None, None, ..., 0]
    assert (operation(image).int() - torch.from_numpy(theirs).int()).abs().max() <= 1


def test_ours_differ_from_torchvisions_where_the_authors_do() -> None:
    images = sample_images(20, 3, 32)
    differing = {one.name for one in OPERATIONS if not torch.equal(one(images), one.by_torchvision(images))}
    assert differing == {"ShearY", "TranslateX", "TranslateY", "Rotate", "Solarize"}


def test_order_of_samples_does_not_matter() -> None:
    images, numbers = sample_images(300, 3, 32), autoaugment.draw(300, seeded())[0]
    shuffled = torch.randperm(300, generator=seeded(1))
    assert torch.equal(
        autoaugment.apply(images[shuffled], numbers[shuffled]), autoaugment.apply(images, numbers)[shuffled]
    )
