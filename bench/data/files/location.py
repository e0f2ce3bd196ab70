"""Where data sets are, and the error for a missing one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from bench.errors import UserError


class DataError(UserError):
    """A data set that is missing or damaged: what was looked for, where, and how to get it."""


class DataFiles(Protocol):
    """The files of one data set."""

    @property
    def name(self) -> str:
        """As it is written in a sweep."""

    @property
    def root(self) -> Path:
        """The folder that holds them."""

    def check(self) -> Sequence[str]:
        """DataError unless they are there and can be read; else a line for each group of files that is left out.

        Images that lie in files of their own aren't opened.
        """

    def images(self, split: str | None = None) -> Sequence[str]:
        """Paths of images, of one split or of all, that lie in files of their own."""

    def contents(self, *, afresh: bool = False) -> str | None:
        """Digest of what is in them; None if it is what the data set's name stands for, or can't be told.

        `afresh`: every file is looked at, whatever is remembered of its folder.
        """

    def get(self) -> None:
        """Download or unpack them; DataError if the user has to."""


def data_root() -> Path:
    """Folder of the data sets: the environment variable SAMBENCH_DATA, or `data` in the working directory."""
    return Path(os.environ.get("SAMBENCH_DATA", "data")).absolute()


def missing(name: str, path: Path, expected: str, how: str) -> DataError:
    """The error for a data set that isn't at `path`."""
    root = "--data-root or SAMBENCH_DATA names the folder of the data sets"
    return DataError(f"data set {name}: {path} is not there; expected {expected}. {how}; {root}")


def damaged(name: str, path: Path, reason: str, how: str) -> DataError:
    """The error for a data set whose file or folder at `path` isn't what it should be."""
    return DataError(f"data set {name}: {path}: {reason}. {how}")


def unreached(name: str, path: Path, error: OSError, expected: str, how: str) -> DataError:
    """The error for a file or folder that can't be opened."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return missing(name, path, expected, how)
    return DataError(f"data set {name}: {path}: can't be read: {error.strerror}")
