"""Image files in one folder per class, on disk: what is there, and which label each folder stands for.

A tree is `train/CLASS/*.jpg` beside `val/` or `test/`. Nothing here reads an image.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bench.data.files.contents import digest_of_tree
from bench.data.files.location import damaged, data_root, missing


@cache
def suffixes() -> tuple[str, ...]:
    """Of files that count as images: all that PIL reads."""
    # Here, because finding all of PIL's formats takes longer than most commands have.
    from PIL import Image

    return tuple(sorted(suffix for suffix, form in Image.registered_extensions().items() if form in Image.OPEN))


def is_image(name: str) -> bool:
    """Whether a file counts as an image; names that begin with a dot are the system's."""
    return not name.startswith(".") and name.lower().endswith(suffixes())


Labels = Callable[[str], int | None]
"""Name of a class folder → label; None for a folder that isn't a class."""


@dataclass(frozen=True)
class Listing:
    """The images of one split, in a fixed order."""

    paths: list[str]
    labels: list[int]


@dataclass(frozen=True, kw_only=True)
class FolderTree:
    """A data set of image files."""

    name: str
    folder: str
    """Under the data root; an absolute path stands for itself."""
    how: str
    """How to get the data set."""

    @property
    def root(self) -> Path:
        """Where the data set lies."""
        return data_root() / self.folder

    def class_names(self) -> list[str]:
        """Names of the training classes, sorted; DataError if there are none."""
        return list(self._class_folders("train"))

    def contents(self, *, afresh: bool = False) -> str | None:
        """See `DataFiles.contents`: the name of a published data set stands for its images."""
        return None

    def has(self, split: str) -> bool:
        """Whether there is a folder for `split`."""
        return (self.root / split).is_dir()

    def listing(self, split: str, labels: Labels) -> Listing:
        """The images of `split`, sorted by class and name; DataError for a folder without label or images."""
        found = Listing([], [])
        for name, path in self._class_folders(split).items():
            label = labels(name)
            if label is None:
                raise damaged(self.name, Path(path), "is the name of no class", self.how)
            files = sorted(entry.path for entry in os.scandir(path) if is_image(entry.name))
            if not files:
                raise damaged(self.name, Path(path), "holds no image", self.how)
            found.paths.extend(files)
            found.labels.extend([label] * len(files))
        return found

    def _class_folders(self, split: str) -> Mapping[str, str]:
        where = self.root / split
        try:
            entries = sorted(os.scandir(where), key=lambda entry: entry.name)
        except OSError as error:
            raise missing(self.name, where, "one folder of images per class there", self.how) from error
        folders = {entry.name: entry.path for entry in entries if entry.is_dir() and not entry.name.startswith(".")}
        if not folders:
            loose = sum(is_image(entry.name) for entry in entries)
            reason = f"holds {loose} images beside each other; expected one folder per class"
            raise damaged(self.name, where, reason, self.how)
        return folders


@dataclass(frozen=True, kw_only=True)
class UserFolder(FolderTree):
    """`folder:PATH`: a tree of the user's own. With `val/` alone, that is the test split, as in ImageNet."""

    def labels(self) -> Labels:
        """Class folders are numbered in the order of their names."""
        numbers = {name: number for number, name in enumerate(self.class_names())}
        return numbers.get

    @property
    def validation_split(self) -> str | None:
        """Name of the validation split's folder."""
        return "val" if self.has("val") and self.has("test") else None

    @property
    def test_split(self) -> str:
        """Name of the test split's folder."""
        return "test" if self.has("test") else "val"

    def check(self) -> None:
        """DataError unless every split can be listed."""
        for split in self._splits():
            self.listing(split, self.labels())

    def contents(self, *, afresh: bool = False) -> str:
        """See `DataFiles.contents`; DataError unless every split can be listed."""
        splits = list(self._splits())
        folders = [folder for split in splits for folder in (self.root / split, *self._class_folders(split).values())]
        return digest_of_tree(str(self.root), map(str, folders), lambda: self._paths(splits), afresh=afresh)

    def _paths(self, splits: Iterable[str]) -> Iterator[str]:
        return (path for split in splits for path in self.listing(split, self.labels()).paths)

    def _splits(self) -> Iterator[str]:
        return filter(None, ("train", self.validation_split, self.test_split))

    def get(self) -> None:
        """It can't be got."""
        raise missing(self.name, self.root, "a folder of your own", self.how)
