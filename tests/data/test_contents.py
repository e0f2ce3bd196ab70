"""A data set is what is in it: which changes of a folder make other trials, and which don't."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench import data
from bench.data.files import contents
from bench.data.files.cifar import CIFAR10
from bench.data.files.location import DataError
from bench.store import Store
from bench.store.read.query import newest_dataset
from bench.sweep import SpecError, Sweep, load
from bench.sweep.expansion import content
from bench.trial import Trial
from tests.data.formats import write_cifar

SWEEP = """
title: "Own"
recipe: digits-resnet
grid: {dataset: "folder:pets", model: resnet8, image_size: 32, augment: none, seed: 1}
"""


@pytest.fixture(autouse=True)
def pets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of two classes."""
    monkeypatch.setenv("SAMBENCH_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "pets"
    for split in ("train", "test"):
        for place, name in enumerate(("cat", "dog")):
            (folder / split / name).mkdir(parents=True)
            for number in range(3):
                image(folder / split / name / f"{number}.png", 10 * place + number)
    return folder


def image(path: Path, value: int) -> None:
    Image.fromarray(np.full((8, 8, 3), value, np.uint8)).save(path)


def sweep(folder: Path, **options: Callable[[str], str | None]) -> Sweep:
    content.data_with_content.cache_clear()
    file = folder.parent / "own.yaml"
    file.write_text(SWEEP, encoding="utf-8")
    return load(file, **options)  # type: ignore[arg-type]


def test_the_id_follows_the_content_and_not_the_path(pets: Path, tmp_path: Path) -> None:
    (trial,) = sweep(pets).trials
    assert trial.dataset.startswith("folder:pets@sha256:")
    moved = replace(trial, dataset=trial.dataset.replace("folder:pets", "folder:/elsewhere/pets"))
    assert moved.trial_id == trial.trial_id
    assert replace(trial, dataset="folder:pets").trial_id != trial.trial_id
    os.utime(pets / "train/cat/0.png")
    assert sweep(pets).trials[0].trial_id == trial.trial_id


@pytest.mark.parametrize("change", ["removed", "exchanged", "renamed", "another class"])
def test_other_images_are_another_data_set(pets: Path, change: str) -> None:
    (before,) = sweep(pets).trials
    first = pets / "train/cat/0.png"
    if change == "removed":
        first.unlink()
    elif change == "exchanged":
        size = first.stat().st_size
        first.write_bytes(first.read_bytes()[:-1] + b"x")
        assert first.stat().st_size == size
    elif change == "renamed":
        first.rename(first.with_name("9.png"))
    else:
        (pets / "train/cat").rename(pets / "train/cow")
        (pets / "test/cat").rename(pets / "test/cow")
    (after,) = sweep(pets).trials
    assert after.trial_id != before.trial_id
    with pytest.raises(DataError, match="plan the sweep anew"):
        data.load(before.dataset, 8)
    assert data.load(after.dataset, 8).train


def settle(folder: Path) -> None:
    """Its folders changed long ago."""
    for place in (folder, *folder.rglob("*/")):
        os.utime(place, (10**9, 10**9))


@pytest.mark.parametrize("change", ["nothing", "outside of the sample", "in the sample", "added", "removed"])
def test_a_folder_that_nobody_touched_is_not_listed_again(
    pets: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    monkeypatch.setattr(contents, "SAMPLE", 2)
    settle(pets)
    before = data.identified("folder:pets")
    first, second = pets / "train/cat/0.png", pets / "train/cat/1.png"
    if change == "added":
        image(pets / "test/dog/3.png", 1)
    elif change == "removed":
        second.unlink()
    elif change != "nothing":
        (first if change == "in the sample" else second).write_bytes(b"another size")
    remembered, now = data.identified("folder:pets"), data.identified("folder:pets", afresh=True)
    assert (now == before) == (change == "nothing")
    assert (remembered == before) == (change in ("nothing", "outside of the sample"))
    if now != before:
        with pytest.raises(DataError, match="plan the sweep anew"):
            data.load(before, 8)


def test_a_folder_that_changed_just_now_is_not_remembered(pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "SAMPLE", 2)
    before = data.identified("folder:pets")
    (pets / "train/cat/1.png").write_bytes(b"another size")
    assert data.identified("folder:pets") != before


@pytest.mark.parametrize("damage", ["{", "[]", '{"tree:%s": 3}', '{"tree:%s": {"changed": "", "paths": 1}}'])
def test_a_damaged_memory_costs_time_alone(pets: Path, tmp_path: Path, damage: str) -> None:
    settle(pets)
    before = data.identified("folder:pets")
    memory = tmp_path / "cache/sambench/files.json"
    assert f"tree:{pets}" in memory.read_text(encoding="utf-8")
    memory.write_text(damage.replace("%s", str(pets)), encoding="utf-8")
    assert data.identified("folder:pets") == before


def test_where_it_is_not_there_readers_take_what_was_recorded(pets: Path, store: Store) -> None:
    (trial,) = sweep(pets).trials
    store.add([trial])
    pets.rename(pets.with_name("away"))
    with pytest.raises(SpecError, match="data set folder:pets: "):
        sweep(pets)
    found = sweep(pets, recorded=lambda name: newest_dataset(store, name))
    assert found.trials[0].trial_id == trial.trial_id
    assert any(note.startswith("folder:pets: isn't here; taken to be as it was recorded") for note in found.notes)


def test_the_published_files_of_cifar_keep_their_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_trial: Callable[..., Trial]
) -> None:
    assert data.identified("cifar10") == "cifar10", "nothing is there"
    write_cifar(tmp_path, 10)
    other = data.identified("cifar10")
    assert other.startswith("cifar10@sha256:")
    assert make_trial(dataset=other).trial_id != make_trial(dataset="cifar10").trial_id
    assert len(data.load(other).train) == len(data.load("cifar10").train)
    paths = [CIFAR10.root / name for name in (*CIFAR10.train, *CIFAR10.test)]

    published = replace(CIFAR10, checksums=tuple(hashlib.md5(path.read_bytes()).hexdigest() for path in paths))
    assert published.contents() is None


def test_another_root_holds_another_data_set_in_the_same_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "cifar.yaml"
    file.write_text(SWEEP.replace('"folder:pets"', "cifar10"), encoding="utf-8")
    known = set()
    for name, images in (("one", 20), ("other", 30)):
        monkeypatch.setenv("SAMBENCH_DATA", str(tmp_path / name))
        write_cifar(tmp_path / name, 10, images=images)
        known.add(load(file).trials[0].trial_id)
    assert len(known) == 2


def test_a_link_that_leads_nowhere_is_named(pets: Path) -> None:
    link = pets / "train" / "cat" / "lost.png"
    link.symlink_to("nowhere.png")
    with pytest.raises(DataError, match=f"{link}: can't be read: No such file"):
        data.identified("folder:pets", afresh=True)
