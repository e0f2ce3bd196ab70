"""Data sets, splits and label noise."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import torch

from bench import data
from bench.data import digits
from bench.data.in_memory import InMemory
from bench.data.splits import hold_out, with_label_noise
from bench.errors import UserError


def test_digits_splits_are_fixed_and_stratified() -> None:
    splits = data.load("digits")
    assert splits.validation is not None
    parts = (splits.train, splits.validation, splits.test)
    assert [len(part) for part in parts] == [1079, 359, 359]
    for part in parts:
        share = torch.bincount(part.labels, minlength=10) / len(part)
        assert share.sub(0.1).abs().max() < 0.01
    digest = hashlib.sha256(b"".join(part.images.numpy().tobytes() for part in parts)).hexdigest()
    assert digest.startswith("b82f83a4f1529719"), "the splits must never change: every stored result depends on them"


def test_digits_splits_are_disjoint_and_whole() -> None:
    from sklearn.datasets import load_digits

    targets = load_digits().target
    indices = np.concatenate(digits.split_indices(targets))
    assert sorted(indices) == list(range(1797))


def test_normalized_training_images_have_zero_mean_and_unit_variance() -> None:
    splits = data.load("digits")
    images = splits.normalize(splits.train.images)
    assert images.mean().item() == pytest.approx(0, abs=1e-5)
    assert images.std().item() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_label_noise_redraws_a_seeded_share(share: float) -> None:
    clean = InMemory(torch.zeros(10_000, 1, 1, 1, dtype=torch.uint8), torch.arange(10_000) % 10)
    noisy = with_label_noise(clean, share, num_classes=10, seed=3)
    changed = (noisy.labels != clean.labels).float().mean().item()
    assert changed == pytest.approx(share * 0.9, abs=0.015)
    assert torch.equal(noisy.labels, with_label_noise(clean, share, num_classes=10, seed=3).labels)
    if share:
        assert not torch.equal(noisy.labels, with_label_noise(clean, share, num_classes=10, seed=4).labels)
        assert torch.bincount(noisy.labels).sub(1000).abs().max() < 150


@pytest.mark.parametrize("share", [0.1, 0.25])
def test_held_out_samples_are_stratified_and_seeded(share: float) -> None:
    splits = data.load("digits")
    held = hold_out(splits, share, seed=3)
    assert held.validation is not None
    assert len(held.train) + len(held.validation) == len(splits.train)
    for label in range(10):
        members = int((splits.train.labels == label).sum())
        assert int((held.validation.labels == label).sum()) == round(share * members)
    together = torch.cat([held.train.images, held.validation.images]).flatten(1)
    assert torch.equal(together.unique(dim=0), splits.train.images.flatten(1).unique(dim=0))
    assert torch.equal(hold_out(splits, share, seed=3).validation.images, held.validation.images)
    assert not torch.equal(hold_out(splits, share, seed=4).validation.images, held.validation.images)
    assert hold_out(splits, 0.0, seed=3) is splits


@pytest.mark.parametrize(("share", "told"), [(0.001, "holds out none of 1,079"), (0.999, "holds out all of 1,079")])
def test_a_share_that_leaves_a_split_empty_is_refused(share: float, told: str) -> None:
    with pytest.raises(UserError, match=f"val_fraction = {share}.*{told}"):
        hold_out(data.load("digits"), share, seed=0)


def test_batches_do_not_depend_on_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    train = data.load("digits").train
    order = torch.randperm(len(train), generator=torch.Generator().manual_seed(0))
    sizes = [len(labels) for _, labels in train.batches(order, 100)]
    assert sizes == [100] * 10 + [79]
    images = torch.cat([images for images, _ in train.batches(order, 100)])
    assert torch.equal(images, train.images[order])


@pytest.mark.parametrize("name", ["fake:64x1x8x5", "fake:64x3x12x100"])
def test_fake_data_have_the_shape_of_their_name(name: str) -> None:
    splits = data.load(name)
    count, channels, size, classes = (int(part) for part in name.removeprefix("fake:").split("x"))
    images, labels = splits.train.take(torch.arange(count))
    assert images.shape == (count, channels, size, size)
    assert int(labels.max()) < classes
    assert len(splits.test) == 6
    assert data.entry(name).fake


@pytest.mark.parametrize("name", ["fake:", "fake:cifra", "fake:10x3x32", "fake:0x3x32x10", "fake:1.5x3x32x10"])
def test_other_fake_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="valid: fake:cifar, fake:imagenet or fake:TRAINx"):
        data.entry(name)
