"""The files of CIFAR-10 and CIFAR-100 (Krizhevsky 2009), in the format of their Python version.

A file is a pickled dictionary: `data` (n, 3072) uint8, a row being 32×32 red, then green, then blue values, and
a list of labels. Nothing but numpy's arrays and numbers is unpickled: a pickle could run any code.
"""

from __future__ import annotations

import io
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.data.files.contents import digest_of_files, have_checksums
from bench.data.files.location import damaged, data_root, unreached

_SAFE = {
    ("numpy.core.multiarray", "_reconstruct"), ("numpy._core.multiarray", "_reconstruct"),
    ("numpy.core.numeric", "_frombuffer"), ("numpy._core.numeric", "_frombuffer"),
    ("numpy", "ndarray"), ("numpy", "dtype"), ("_codecs", "encode"),
}  # fmt: skip
_NUMBER = {("numpy.core.multiarray", "scalar"), ("numpy._core.multiarray", "scalar")}
_BYTES = 3 * 32 * 32
Labelled = tuple[NDArray[np.uint8], NDArray[np.int64]]
"""(n, 3, 32, 32) images and (n,) labels."""


@dataclass(frozen=True, kw_only=True)
class CifarFiles:
    """Where one of the two data sets keeps what."""

    name: str
    folder: str
    train: tuple[str, ...]
    test: tuple[str, ...]
    label_key: str
    num_classes: int
    torchvision_class: str
    checksums: tuple[str, ...]
    """MD5 of the published files."""
    train_share: int
    """Images of a training file, as a multiple of those of a test file."""

    @property
    def root(self) -> Path:
        """The folder that holds the files."""
        return data_root() / self.folder

    def read(self) -> tuple[Labelled, Labelled]:
        """Training and test images; DataError if a file is missing, damaged, or shorter than the others."""
        parts = {name: self._read_file(name) for name in (*self.train, *self.test)}
        self._check_lengths({name: len(images) for name, (images, _) in parts.items()})
        train, test = (_joined([parts[name] for name in names]) for names in (self.train, self.test))
        return train, test

    def _check_lengths(self, held: dict[str, int]) -> None:
        """Whether each file has its share of the images, by the one that has most of its own."""
        shares = dict.fromkeys(self.train, self.train_share) | dict.fromkeys(self.test, 1)
        fullest = max(held, key=lambda name: held[name] / shares[name])
        for name, count in held.items():
            expected = held[fullest] * shares[name] // shares[fullest]
            if count < expected:
                reason = f"{count} images, and {expected} belong to the {held[fullest]} of {fullest}"
                raise damaged(self.name, self.root / name, reason, self._how)

    def check(self) -> tuple[str, ...]:
        """See `DataFiles.check`: every file is read."""
        self.read()
        return ()

    def images(self, split: str | None = None) -> tuple[str, ...]:
        """See `DataFiles.images`: none."""
        return ()

    def contents(self, *, afresh: bool = False) -> str | None:
        """See `DataFiles.contents`: None for the files that were published, and where not all are there."""
        paths = [self.root / name for name in (*self.train, *self.test)]
        if not all(path.is_file() for path in paths) or have_checksums(zip(paths, self.checksums, strict=True)):
            return None
        return digest_of_files((path.name, str(path)) for path in paths)

    def get(self) -> None:
        """Download what is missing, by torchvision, which verifies the checksums."""
        from torchvision import datasets

        getattr(datasets, self.torchvision_class)(str(data_root()), download=True)

    @property
    def _how(self) -> str:
        return f"Get it by `sambench data get {self.name}`"

    def _read_file(self, name: str) -> Labelled:
        path = self.root / name
        how = self._how
        try:
            held = _Unpickler(io.BytesIO(path.read_bytes()), encoding="latin1").load()
        except OSError as error:
            expected = f"{self.folder}/ with {', '.join((*self.train, *self.test))}"
            raise unreached(self.name, path, error, expected, how) from error
        except (
            pickle.UnpicklingError,
            EOFError,
            ValueError,
            AttributeError,
            ImportError,
            LookupError,
            TypeError,
        ) as error:
            raise damaged(self.name, path, f"no whole pickle: {error}", how) from error
        problem = self._problem(held)
        if problem:
            raise damaged(self.name, path, problem, how)
        return np.asarray(held["data"]), np.asarray(held[self.label_key], dtype=np.int64)

    def _problem(self, held: Any) -> str | None:
        if not isinstance(held, dict) or "data" not in held or self.label_key not in held:
            return f"holds no data and {self.label_key}"
        images, labels = held["data"], held[self.label_key]
        if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.shape[1:] != (_BYTES,):
            return f"its data are no rows of {_BYTES} bytes"
        if not isinstance(labels, list | np.ndarray):
            return f"its {self.label_key} are no list"
        for name, values in held.items():
            if isinstance(values, list | np.ndarray) and len(values) != len(images):
                return f"{len(images)} images and {len(values)} {name}"
        if not all(isinstance(label, int | np.integer) for label in labels):
            return "a label is no integer"
        if not all(0 <= label < self.num_classes for label in labels):
            return f"a label lies outside 0 to {self.num_classes - 1}"
        return None


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _NUMBER:
            return _number
        if (module, name) not in _SAFE:
            raise pickle.UnpicklingError(f"refers to {module}.{name}, which no CIFAR file does")
        return super().find_class(module, name)


def _joined(parts: list[Labelled]) -> Labelled:
    images, labels = (np.concatenate(pieces) for pieces in zip(*parts, strict=True))
    return images.reshape(-1, 3, 32, 32), labels


def _number(kind: np.dtype[Any], content: bytes) -> Any:
    """A number of numpy's from its bytes; numpy's own function would take objects of any kind too."""
    if kind.kind not in "biuf":
        raise pickle.UnpicklingError(f"holds a number of type {kind}")
    return np.frombuffer(content, kind, count=1)[0]


CIFAR10 = CifarFiles(
    name="cifar10",
    folder="cifar-10-batches-py",
    train=tuple(f"data_batch_{number}" for number in range(1, 6)),
    test=("test_batch",),
    label_key="labels",
    num_classes=10,
    torchvision_class="CIFAR10",
    train_share=1,
    checksums=(
        "c99cafc152244af753f735de768cd75f",
        "d4bba439e000b95fd0a9bffe97cbabec",
        "54ebc095f3ab1f0389bbae665268c751",
        "634d18415352ddfa80567beed471001a",
        "482c414d41f54cd18b22e5b47cb7c3cb",
        "40351d587109b95175f43aff81a1287e",
    ),
)
CIFAR100 = CifarFiles(
    name="cifar100",
    folder="cifar-100-python",
    train=("train",),
    test=("test",),
    label_key="fine_labels",
    num_classes=100,
    torchvision_class="CIFAR100",
    train_share=5,
    checksums=("16019d7e3df5f24257cddd939b257f8d", "f0ef6b0ae62326f3e7ffdfab6717acfc"),
)
