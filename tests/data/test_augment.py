"""Augmentations of batches: crops and flips against a plain loop, and where the draws come from."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from scipy.stats import chisquare
from torch import Generator, Tensor

from bench.data.augmentations.autoaugment import basic_autoaugment
from bench.data.augmentations.basic import basic
from bench.data.augmentations.cutout import basic_cutout


def seeded(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


@pytest.mark.parametrize("flip", [False, True])
def test_basic_gives_every_crop_of_the_padded_image(flip: bool) -> None:
    image = torch.arange(1, 65, dtype=torch.uint8).view(1, 1, 8, 8)
    images = basic(image.expand(2000, 1, 8, 8), seeded(), flip=flip)
    padded = torch.nn.functional.pad(image, (1, 1, 1, 1))
    crops = {padded[0, 0, y : y + 8, x : x + 8].numpy().tobytes(): (y, x) for y in range(3) for x in range(3)}
    if flip:
        flipped = padded.flip(3)
        crops |= {flipped[0, 0, y : y + 8, x : x + 8].numpy().tobytes(): (y, x, 1) for y in range(3) for x in range(3)}
    counts = dict.fromkeys(crops.values(), 0)
    for cropped in images:
        counts[crops[cropped[0].contiguous().numpy().tobytes()]] += 1
    assert chisquare(list(counts.values())).pvalue > 1e-3


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 8, 8), (2, 16, 24), (3, 4, 4)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_basic_equals_a_loop_over_samples(shape: tuple[int, int, int], layout: torch.memory_format, flip: bool) -> None:
    n, (channels, height, width) = 50, shape
    images = torch.randint(256, (n, *shape), generator=seeded(), dtype=torch.uint8).to(memory_format=layout)
    margin, draws = height // 8, seeded(1)
    rows, columns = (torch.randint(2 * margin + 1, (n,), generator=draws).tolist() for _ in range(2))
    mirrored = torch.randint(2, (n,), generator=draws).tolist() if flip else [0] * n
    expected = torch.zeros(n, channels, height + 2 * margin, width + 2 * margin, dtype=torch.uint8)
    for canvas, image, mirror in zip(expected, images, mirrored, strict=True):
        canvas[:, margin : margin + height, margin : margin + width] = image.flip(2) if mirror else image
    augmented = basic(images, seeded(1), flip=flip)
    for image, canvas, row, column in zip(augmented, expected, rows, columns, strict=True):
        assert torch.equal(image, canvas[:, row : row + height, column : column + width])


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("shape", [(0, 3, 32, 32), (1, 3, 32, 32), (100, 1, 8, 8), (300, 3, 32, 32)])
@pytest.mark.parametrize("augmentation", [basic, basic_autoaugment, basic_cutout])
def test_draws_come_from_the_generator_alone(
    augmentation: Callable[..., Tensor], shape: tuple[int, ...], flip: bool
) -> None:
    images = torch.randint(256, shape, generator=seeded(), dtype=torch.uint8)
    before, state = images.clone(), torch.random.get_rng_state()
    first, again, other = (augmentation(images, seeded(seed), flip=flip) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert torch.equal(images, before)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert (first.shape, first.dtype) == (images.shape, torch.uint8)
    if len(images) > 1:
        assert not torch.equal(first, other)


@pytest.mark.parametrize(("channels", "fill"), [(3, (125, 123, 114)), (1, (0,))])
def test_cutout_equals_a_loop_over_samples(channels: int, fill: tuple[int, ...]) -> None:
    n, side = 400, 32
    images = torch.randint(256, (n, channels, side, side), generator=seeded(), dtype=torch.uint8)
    draws = seeded(1)
    expected = basic(images, draws, flip=True)
    chosen = torch.rand(n, generator=draws).tolist()
    rows, columns = (torch.randint(side, (n,), generator=draws).tolist() for _ in range(2))
    for image, draw, row, column in zip(expected, chosen, rows, columns, strict=True):
        if draw < 0.5:
            square = image[:, max(0, row - 8) : row + 8, max(0, column - 8) : column + 8]
            square.copy_(torch.tensor(fill, dtype=torch.uint8).view(-1, 1, 1).expand_as(square))
    assert torch.equal(basic_cutout(images, seeded(1), flip=True), expected)
    assert 0.4 < sum(draw < 0.5 for draw in chosen) / n < 0.6
