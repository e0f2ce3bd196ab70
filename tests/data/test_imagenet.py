"""ImageNet and its test sets in their formats on disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from bench import data
from bench.data.files.folders import FolderTree
from bench.data.files.imagenet import IMAGENET, IMAGENET_A, IMAGENET_R, IMAGENET_V2, OBJECTNET, class_of, synsets
from bench.data.files.location import DataError
from bench.data.imagenet import load_test_set
from bench.data.on_disk import OnDisk
from bench.data.split import Augmentation
from bench.measures.shifted import chosen, rightness
from bench.train.training import Training
from tests.data import formats
from tests.shared.command import Ended


@pytest.fixture(autouse=True)
def data_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SAMBENCH_DATA", str(tmp_path))
    return tmp_path


def test_classes_are_in_the_official_order() -> None:
    assert len(synsets()) == 1000
    assert [class_of(name) for name in formats.WORDNET_IDS] == [0, 1, 999]


def test_a_tree_keeps_official_labels_though_classes_lack(data_root: Path) -> None:
    formats.write_imagenet(data_root)
    splits = data.load("imagenet", 32)
    assert splits.train.labels.tolist() == [0] * 3 + [1] * 3 + [999] * 3
    images, labels = next(splits.test.in_order(4))
    assert images.shape == (4, 3, 32, 32)
    assert images.dtype == torch.uint8
    assert labels.tolist() == [0, 0, 0, 1]


@pytest.mark.parametrize("workers", [0, 2])
def test_draws_do_not_depend_on_workers_or_order(
    data_root: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    formats.write_imagenet(data_root)
    monkeypatch.setattr("bench.data.on_disk._workers", lambda images: workers)
    train = data.load("imagenet", 16).train
    from functools import partial

    from bench.data.augmentations.inception import inception

    augmentation = Augmentation(augment=partial(inception, size=16), flip=True, seed=3)
    before = torch.get_rng_state()
    forward = torch.cat([images for images, _ in train.batches(torch.arange(9), 4, augmentation)])
    backward = torch.cat([images for images, _ in train.batches(torch.arange(8, -1, -1), 2, augmentation)])
    assert torch.equal(forward, backward.flip(0))
    assert torch.equal(torch.get_rng_state(), before), "training's own random stream is left alone"
    assert isinstance(train, OnDisk)
    assert torch.equal(forward[0], train.read(0, augmentation))
    other = Augmentation(augment=augmentation.augment, flip=True, seed=4)
    assert not torch.equal(forward[0], train.read(0, other))


def test_trained_on_and_measured_on_shifted_sets(data_root: Path, make_trial: Callable[..., object]) -> None:
    formats.write_imagenet(data_root, images=4)
    formats.write_tree(data_root, "imagenetv2-matched-frequency-format-val", ("0", "10", "2"))
    formats.write_objectnet(data_root)
    trial = make_trial(
        dataset="imagenet", model="resnet8", augment="inception", image_size=16, batch_size=6, epochs=1, m=3,
        variant="sam", scope="only_norm", rho=0.1,
    )  # fmt: skip
    training = Training(trial, torch.device("cpu"))
    row = training.run_epoch()
    assert row["perturbation_norm"] == pytest.approx(0.1, rel=1e-4)
    measured = training.measure()
    assert {"test_accuracy", "imagenet_v2_accuracy", "objectnet_accuracy"} <= measured.keys()
    assert "imagenet_r_accuracy" not in measured, "its images are not there"


def test_official_tars_are_unpacked(data_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    formats.write_imagenet_tars(data_root / "imagenet")
    # The checksums are those of the real archives.
    monkeypatch.setattr("torchvision.datasets.imagenet._verify_archive", lambda root, file, md5: None)
    IMAGENET.get()
    IMAGENET.check()
    splits = data.load("imagenet", 16)
    assert sorted(splits.train.labels.tolist()) == [0, 1, 999]
    # The ground truth counts in the development kit's own order: 3, 1, 2.
    assert splits.test.labels.tolist() == [0, 1, 999]
    assert [Path(path).name[-6] for path in splits.test.paths] == ["2", "3", "1"]


def test_tars_that_lack_are_named(data_root: Path) -> None:
    with pytest.raises(DataError, match=r"ILSVRC2012_img_train.tar is not there"):
        IMAGENET.get()


@pytest.mark.parametrize("name", ["imagenet", "imagenet_r"])
def test_getting_what_is_there_already_is_no_error(data_root: Path, name: str, sambench: Callable[..., Ended]) -> None:
    if name == "imagenet":
        formats.write_imagenet(data_root)
    else:
        formats.write_tree(data_root, IMAGENET_R.folder, ("n01443537",), images=1)
    got = sambench("data", "get", name)
    assert (got.returncode, f"{name} is at {data_root}" in got.stderr) == (0, True), got.stderr


def test_folders_of_v2_are_numbers_and_not_words(data_root: Path) -> None:
    formats.write_tree(data_root, IMAGENET_V2.folder, ("0", "10", "2"), images=1)
    assert load_test_set(IMAGENET_V2, 16).labels.tolist() == [0, 10, 2]


@pytest.mark.parametrize(
    ("source", "inside", "outside"),
    [
        # goldfish is in R and not in A; bullfrog (n01641577) is in A and not in R; tench is in neither.
        (IMAGENET_R, "n01443537", "n01440764"),
        (IMAGENET_A, "n01641577", "n01443537"),
    ],
)
def test_subsets_have_200_classes(source: object, inside: str, outside: str) -> None:
    classes = source.classes()
    assert len(classes) == 200
    assert class_of(inside) in classes
    assert class_of(outside) not in classes
    logits = torch.zeros(1, 1000)
    logits[0, class_of(outside)], logits[0, class_of(inside)] = 9, 5
    assert chosen(logits, source).tolist() == [class_of(inside)], "a class outside the subset is never chosen"


def test_an_object_of_objectnet_is_any_of_its_classes(data_root: Path) -> None:
    formats.write_objectnet(data_root)
    split = load_test_set(OBJECTNET, 16)
    barber, folding, rocking = 423, 559, 765
    analog, digital = 409, 530
    assert split.labels.tolist() == [analog, barber], "air fresheners are no class of ImageNet"
    assert OBJECTNET.classes() == (analog, barber, digital, folding, rocking)
    right = rightness(OBJECTNET)
    assert [bool(right[barber, label]) for label in (barber, folding, rocking, analog)] == [True, True, True, False]
    assert split.border == 2


def test_a_frame_is_cut_off(tmp_path: Path) -> None:
    from PIL import Image

    framed = Image.new("RGB", (36, 36), (255, 0, 0))
    framed.paste(Image.new("RGB", (32, 32), (0, 0, 255)), (2, 2))
    framed.save(tmp_path / "a.png")
    split = OnDisk(paths=[str(tmp_path / "a.png")], labels=torch.tensor([0]), size=28, border=2)
    assert split.read(0, None).flatten(1).float().mean(1).tolist() == [0, 0, 255]


def test_a_folder_of_the_users_own(data_root: Path) -> None:
    for split in ("train", "val", "test"):
        formats.write_tree(data_root / "mine", split, ("cat", "dog"), images=2)
    entry = data.entry("folder:mine")
    assert entry.num_classes == 2
    splits = data.load("folder:mine", 16)
    assert splits.validation is not None
    assert [len(part) for part in (splits.train, splits.validation, splits.test)] == [4, 4, 4]
    assert splits.train.labels.tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize("fault", ["none", "flat", "stranger", "empty"])
def test_what_is_wrong_with_a_tree(data_root: Path, fault: str) -> None:
    if fault != "none":
        formats.write_imagenet(data_root)
    val = data_root / "imagenet" / "val"
    message = {
        "none": "train is not there; expected one folder of images per class",
        "flat": "holds 9 images beside each other; expected one folder per class",
        "stranger": "is the name of no class",
        "empty": "holds no image",
    }[fault]
    if fault == "flat":
        for path in list(val.glob("*/*")):
            path.rename(val / path.name)
        for folder in list(val.iterdir()):
            if folder.is_dir():
                folder.rmdir()
    elif fault == "stranger":
        (val / formats.WORDNET_IDS[0]).rename(val / "cats")
    elif fault == "empty":
        (val / "n01484850").mkdir()
    with pytest.raises(DataError, match=message) as told:
        IMAGENET.check()
    assert "sambench data get imagenet" in str(told.value)


def test_a_tree_says_its_own_name(data_root: Path) -> None:
    tree = FolderTree(name="mine", folder="mine", how="Ask me")
    with pytest.raises(DataError, match=f"data set mine: {data_root}/mine/train is not there.*Ask me"):
        tree.class_names()


def test_every_model_sees_the_size_that_was_asked_for(data_root: Path) -> None:
    formats.write_imagenet(data_root, images=1)
    for size in (16, 24):
        images, _ = next(data.load("imagenet", size).test.in_order(2))
        assert nn.Identity()(images).shape[2:] == (size, size)
