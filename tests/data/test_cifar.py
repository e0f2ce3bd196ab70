"""CIFAR in its format on disk: read, trained on, resumed, and told what is wrong with it."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bench import data
from bench.data.cifar import load_cifar10, load_cifar100
from bench.data.files.cifar import CIFAR10, CIFAR100
from bench.data.files.location import DataError
from bench.train.training import Training
from tests.data.formats import write_cifar


@pytest.fixture(autouse=True)
def data_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SAMBENCH_DATA", str(tmp_path))
    load_cifar10.cache_clear()
    load_cifar100.cache_clear()
    return tmp_path


@pytest.mark.parametrize("classes", [10, 100])
def test_files_are_read_as_they_were_written(data_root: Path, classes: int) -> None:
    folder = write_cifar(data_root, classes)
    splits = data.load(f"cifar{classes}")
    assert (len(splits.train), len(splits.test)) == (100, 20)
    assert splits.validation is None
    stored = pickle.loads((folder / ("test_batch" if classes == 10 else "test")).read_bytes())
    # A row is all of red, then green, then blue, each row by row.
    images, labels = splits.test.take(torch.arange(20))
    assert images.dtype == torch.uint8
    assert images[3, 1, 2, 5] == stored["data"][3, 1024 + 2 * 32 + 5]
    assert labels.tolist() == stored["labels" if classes == 10 else "fine_labels"]


@pytest.mark.parametrize(("name", "red"), [("cifar10", 0.4914), ("cifar100", 0.5071)])
def test_each_is_normalised_by_its_own_constants(data_root: Path, name: str, red: float) -> None:
    write_cifar(data_root, 10 if name == "cifar10" else 100)
    splits = data.load(name)
    assert splits.mean[0] == red
    middle = torch.full((1, 3, 1, 1), 128, dtype=torch.uint8)
    expected = (128 / 255 - torch.tensor(splits.mean)) / torch.tensor(splits.std)
    torch.testing.assert_close(splits.normalize(middle).flatten(), expected)


@pytest.mark.parametrize("method", [{}, {"variant": "sam", "scope": "only_norm", "rho": 0.5}])
def test_trained_on_with_autoaugment_and_resumed_to_the_bit(
    data_root: Path, make_trial: Callable[..., object], method: dict[str, object]
) -> None:
    write_cifar(data_root, 10)
    trial = make_trial(
        dataset="cifar10", model="resnet8", augment="basic+aa", batch_size=32, val_fraction=0.2, epochs=2, **method
    )
    whole = Training(trial, torch.device("cpu"))
    whole.run_epoch()
    state = {name: part for name, part in whole.state_dict().items() if name != "history"}
    buffer = pickle.dumps((state, list(whole.history)))
    whole.run_epoch()
    resumed = Training(trial, torch.device("cpu"))
    state, history = pickle.loads(buffer)
    resumed.load_state_dict({**state, "history": history})
    resumed.run_epoch()
    pairs = zip(whole.model.state_dict().values(), resumed.model.state_dict().values(), strict=True)
    assert all(torch.equal(ours, theirs) for ours, theirs in pairs)
    assert "val_accuracy" in whole.history[-1]


def test_missing_files_are_named_with_the_way_to_get_them(data_root: Path) -> None:
    with pytest.raises(DataError) as told:
        CIFAR10.check()
    assert str(data_root / "cifar-10-batches-py" / "data_batch_1") in str(told.value)
    assert "sambench data get cifar10" in str(told.value)
    assert "SAMBENCH_DATA" in str(told.value)


class Code:
    def __reduce__(self) -> tuple[object, ...]:
        return (print, ("run",))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no whole pickle"),
        (None, "no whole pickle"),
        (pickle.dumps([1]), "holds no data and fine_labels"),
        (pickle.dumps({"data": np.zeros((2, 3072), np.uint8), "labels": [0, 1]}), "holds no data and fine_labels"),
        (pickle.dumps({"data": np.zeros((2, 99), np.uint8), "fine_labels": [0, 1]}), "no rows of 3072 bytes"),
        (pickle.dumps({"data": np.zeros((2, 3072), np.uint8), "fine_labels": [0]}), "2 images and 1 fine_labels"),
        (pickle.dumps({"data": np.zeros((1, 3072), np.uint8), "fine_labels": [100]}), "outside 0 to 99"),
        (pickle.dumps(Code()), "refers to builtins.print"),
    ],
)
def test_damage_is_told(
    data_root: Path, capsys: pytest.CaptureFixture[str], content: bytes | None, message: str
) -> None:
    folder = write_cifar(data_root, 100)
    whole = (folder / "test").read_bytes()
    (folder / "test").write_bytes(whole[: len(whole) // 2] if content is None else content)
    with pytest.raises(DataError, match=message) as told:
        CIFAR100.check()
    assert str(folder / "test") in str(told.value)
    assert capsys.readouterr().out == "", "no code of a pickle is run"


def test_pickles_of_protocol_5_and_of_numpy_integers_are_read(data_root: Path) -> None:
    folder = write_cifar(data_root, 10)
    plain = CIFAR10.read()
    for file in folder.iterdir():
        held = pickle.loads(file.read_bytes())
        kinds = [np.int64(label) for label in held["labels"]], np.array(held["labels"], np.uint8)
        held["labels"] = kinds[file.name == "test_batch"]
        file.write_bytes(pickle.dumps(held, protocol=5))
    for ours, theirs in zip(CIFAR10.read(), plain, strict=True):
        assert all(map(np.array_equal, ours, theirs))


def test_numbers_are_unpickled_from_their_bytes_alone(data_root: Path) -> None:
    folder = write_cifar(data_root, 10)
    held = pickle.loads((folder / "test_batch").read_bytes())
    held["labels"][0] = np.array([print], dtype=object)[()]
    (folder / "test_batch").write_bytes(pickle.dumps(held, protocol=5))
    with pytest.raises(DataError, match=r"test_batch: no whole pickle: refers to builtins\.print"):
        CIFAR10.check()


def first(count: int) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda held: {name: values[:count] for name, values in held.items()}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (first(3), "3 images, and 20 belong to the 20 of data_batch_1"),
        (lambda held: {**held, "filenames": ["a"]}, "20 images and 1 filenames"),
        (lambda held: {**held, "labels": [0.5] * 20}, "a label is no integer"),
        (lambda held: {**held, "labels": np.arange(3)}, "20 images and 3 labels"),
        (lambda held: {**held, "labels": 7}, "its labels are no list"),
    ],
)
def test_a_file_that_is_short_is_named(data_root: Path, change: Callable[..., object], told: str) -> None:
    file = write_cifar(data_root, 10) / "data_batch_3"
    file.write_bytes(pickle.dumps(change(pickle.loads(file.read_bytes()))))
    with pytest.raises(DataError, match=f"data_batch_3: {told}"):
        CIFAR10.check()


@pytest.mark.parametrize(
    ("classes", "name", "told"),
    [
        (10, "test_batch", "19 images, and 20 belong to the 20 of data_batch_1"),
        (100, "test", "19 images, and 20 belong to the 100 of train"),
        (100, "train", "19 images, and 100 belong to the 20 of test"),
    ],
)
def test_a_short_file_that_has_no_like_is_named(data_root: Path, classes: int, name: str, told: str) -> None:
    file = write_cifar(data_root, classes) / name
    file.write_bytes(pickle.dumps(first(19)(pickle.loads(file.read_bytes()))))
    with pytest.raises(DataError, match=f"data set cifar{classes}: {file}: {told}"):
        data.load(f"cifar{classes}")
