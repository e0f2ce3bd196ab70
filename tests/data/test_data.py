"""Data sets, splits, label noise and augmentation."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from bench import data
from bench.data import augment, cifar, digits
from bench.data.splits import Split, with_label_noise


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
    clean = Split(torch.zeros(10_000, 1, 1, 1, dtype=torch.uint8), torch.arange(10_000) % 10)
    noisy = with_label_noise(clean, share, num_classes=10, seed=3)
    changed = (noisy.labels != clean.labels).float().mean().item()
    assert changed == pytest.approx(share * 0.9, abs=0.015)
    assert torch.equal(noisy.labels, with_label_noise(clean, share, num_classes=10, seed=3).labels)
    if share:
        assert not torch.equal(noisy.labels, with_label_noise(clean, share, num_classes=10, seed=4).labels)
        assert torch.bincount(noisy.labels).sub(1000).abs().max() < 150


@pytest.mark.parametrize("flip", [False, True])
def test_basic_gives_every_crop_of_the_padded_image(flip: bool) -> None:
    image = torch.arange(1, 65, dtype=torch.uint8).view(1, 1, 8, 8)
    images = augment.basic(image.expand(2000, 1, 8, 8), torch.Generator().manual_seed(0), flip=flip)
    padded = torch.nn.functional.pad(image, (1, 1, 1, 1))
    crops = {padded[0, 0, y : y + 8, x : x + 8].numpy().tobytes(): (y, x) for y in range(3) for x in range(3)}
    if flip:
        flipped = padded.flip(3)
        crops |= {flipped[0, 0, y : y + 8, x : x + 8].numpy().tobytes(): (y, x, 1) for y in range(3) for x in range(3)}
    counts = dict.fromkeys(crops.values(), 0)
    for cropped in images:
        counts[crops[cropped[0].contiguous().numpy().tobytes()]] += 1
    expected = 2000 / len(crops)
    assert all(abs(count - expected) < 5 * expected**0.5 for count in counts.values())


def write_cifar(root: Path, classes: int) -> None:
    """Small files in the format that torchvision reads, with its checksums replaced by theirs."""
    rng = np.random.default_rng(0)
    folder = root / ("cifar-10-batches-py" if classes == 10 else "cifar-100-python")
    folder.mkdir(parents=True)
    key = b"labels" if classes == 10 else b"fine_labels"
    names = [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"] if classes == 10 else ["train", "test"]
    for name in names:
        images = rng.integers(0, 256, (20, 3072), dtype=np.uint8)
        batch = {"data": images, key.decode(): [int(label) for label in rng.integers(0, classes, 20)]}
        (folder / name).write_bytes(pickle.dumps(batch))
    meta = {"label_names" if classes == 10 else "fine_label_names": [str(i) for i in range(classes)]}
    (folder / ("batches.meta" if classes == 10 else "meta")).write_bytes(pickle.dumps(meta))


@pytest.mark.parametrize("classes", [10, 100])
def test_cifar_in_its_format_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, classes: int) -> None:
    write_cifar(tmp_path, classes)
    monkeypatch.setenv("SAMBENCH_DATA", str(tmp_path))
    monkeypatch.setattr("torchvision.datasets.cifar.check_integrity", lambda path, md5=None: Path(path).exists())
    load = (cifar.load_cifar10 if classes == 10 else cifar.load_cifar100).__wrapped__
    splits = load()
    assert splits.train.images.shape == (100 if classes == 10 else 20, 3, 32, 32)
    assert splits.test.images.dtype == torch.uint8
    assert splits.validation is None
    assert splits.normalize(splits.train.images).shape == splits.train.images.shape


def test_cifar_that_is_missing_says_where_it_was_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMBENCH_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=rf"{tmp_path}/cifar-10-batches-py .* SAMBENCH_DATA"):
        cifar.load_cifar10.__wrapped__()
