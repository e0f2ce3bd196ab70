"""Image files on disk in one folder per class: which there are, and the label of each folder.

A tree is `train/CLASS/*.jpg` beside `val/` or `test/`. Nothing here reads an image.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bench.data.files.contents import digest_of_tree
from bench.data.files.location import damaged, data_root, missing, unreached


@cache
def suffixes() -> tuple[str, ...]:
    """Of files that count as images: all that PIL reads."""
    # Here, because finding all of PIL's formats takes longer than most commands have.
    from PIL import Image

    found = {suffix for suffix, form in Image.registered_extensions().items() if form in Image.OPEN}
    return tuple(sorted(found - _ONLY_NAMED))


_ONLY_NAMED = frozenset({".bufr", ".grib", ".h5", ".hdf", ".mpeg", ".mpg", ".emf", ".wmf"})
"""Formats that PIL knows but can't decode, at least not by itself."""


def is_image(entry: os.DirEntry[str]) -> bool:
    """Whether something in a folder counts as an image; names that begin with a dot are the system's."""
    return not entry.name.startswith(".") and entry.name.lower().endswith(suffixes()) and not entry.is_dir()


def _kind(entry: os.DirEntry[str]) -> str:
    """What it is, where it is no image."""
    if entry.name.startswith("."):
        return "hidden"
    suffix = os.path.splitext(entry.name)[1].lower()
    return ("folder" if entry.is_dir() else suffix) or "without a suffix"


Labels = Callable[[str], int | None]
"""Name of a class folder → label; None for a folder that isn't a class."""


@dataclass(frozen=True)
class Listing:
    """The images of one split, in a fixed order."""

    paths: list[str]
    labels: list[int]
    left_out: list[str]
    """What isn't taken for images, a line for each class."""


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

    def labels(self) -> Labels:
        """The label that each folder stands for."""
        raise NotImplementedError

    def splits(self) -> Iterable[str]:
        """Names of the splits."""
        raise NotImplementedError

    def check(self) -> list[str]:
        """See `DataFiles.check`: every split can be listed."""
        return [line for listing in self._listings() for line in listing.left_out]

    def images(self, split: str | None = None) -> list[str]:
        """See `DataFiles.images`."""
        listings = [self.listing(split, self.labels())] if split else self._listings()
        return [path for listing in listings for path in listing.paths]

    def contents(self, *, afresh: bool = False) -> str | None:
        """See `DataFiles.contents`: the name of a published data set stands for its images."""
        return None

    def has(self, split: str) -> bool:
        """Whether there is a folder for `split`."""
        return (self.root / split).is_dir()

    def listing(self, split: str, labels: Labels) -> Listing:
        """The images of `split`, sorted by class and name; DataError for a folder without label or images."""
        found = Listing([], [], self._beside(split))
        for name, path in self._class_folders(split).items():
            label = labels(name)
            if label is None:
                raise damaged(self.name, Path(path), "is the name of no class", self.how)
            entries = self._entries(Path(path))
            files = sorted(entry.path for entry in entries if is_image(entry))
            rest = Counter(_kind(entry) for entry in entries if not is_image(entry))
            if not files:
                raise damaged(self.name, Path(path), f"holds no image{_of(rest)}", self.how)
            if rest:
                found.left_out.append(f"{split}/{name}: {rest.total()} of {len(entries)} left out{_of(rest)}")
            found.paths.extend(files)
            found.labels.extend([label] * len(files))
        return found

    def _listings(self) -> Iterator[Listing]:
        labels = self.labels()
        return (self.listing(split, labels) for split in self.splits())

    def _where(self, split: str) -> Path:
        """The folder of the class folders."""
        return self.root / split

    def _class_folders(self, split: str) -> Mapping[str, str]:
        where = self._where(split)
        entries = sorted(self._entries(where), key=lambda entry: entry.name)
        folders = {entry.name: entry.path for entry in entries if _is_class(entry)}
        if not folders:
            loose = sum(map(is_image, entries))
            reason = f"holds {loose} images beside each other; expected one folder per class"
            raise damaged(self.name, where, reason, self.how)
        return folders

    def _beside(self, split: str) -> list[str]:
        """A line about what lies beside the class folders, if there is anything."""
        rest = Counter(_kind(entry) for entry in self._entries(self._where(split)) if not _is_class(entry))
        return [f"{split}: {rest.total()} left out beside the class folders{_of(rest)}"] if rest else []

    def _entries(self, folder: Path) -> list[os.DirEntry[str]]:
        try:
            return list(os.scandir(folder))
        except OSError as error:
            raise unreached(self.name, folder, error, "one folder of images per class there", self.how) from error


def _is_class(entry: os.DirEntry[str]) -> bool:
    return entry.is_dir() and not entry.name.startswith(".")


def _of(kinds: Counter[str]) -> str:
    """`: 2 .txt, 1 hidden`, or nothing."""
    listed = sorted(kinds.items(), key=lambda item: (-item[1], item[0]))
    return ": " + ", ".join(f"{count} {kind}" for kind, count in listed) if kinds else ""


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

    def splits(self) -> Iterable[str]:
        """Training and test split, and the validation split if it has a folder."""
        return filter(None, ("train", self.validation_split, self.test_split))

    def contents(self, *, afresh: bool = False) -> str:
        """See `DataFiles.contents`; DataError unless every split can be listed."""
        splits = list(self.splits())
        folders = [folder for split in splits for folder in (self.root / split, *self._class_folders(split).values())]
        try:
            return digest_of_tree(str(self.root), map(str, folders), self.images, afresh=afresh)
        except OSError as error:
            # Such as a link that leads nowhere.
            raise damaged(self.name, Path(error.filename), f"can't be read: {error.strerror}", self.how) from error

    def get(self) -> None:
        """See `DataFiles.get`: nothing is downloaded, so DataError unless it is there."""
        if not self.root.is_dir():
            raise missing(self.name, self.root, "a folder of your own", self.how)
