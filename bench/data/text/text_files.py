"""Text files: what the files of every parallel corpus have in common, beside what `DataFiles` asks of any data set."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path

from bench.data.text.cleaning import check_batch, check_size
from bench.data.text.raw import RawCorpus


class TextFiles(ABC):
    """Files that hold a parallel corpus."""

    @property
    @abstractmethod
    def name(self) -> str:
        """See `DataFiles.name`."""

    @property
    @abstractmethod
    def root(self) -> Path:
        """See `DataFiles.root`."""

    @abstractmethod
    def read(self) -> RawCorpus:
        """All pairs; DataError for files that are missing or don't match."""

    def check(self) -> tuple[str, ...]:
        """See `DataFiles.check`: pairs that don't fit are left out silently, as in the paper's preparation."""
        check_size(self.name, self.read())
        return ()

    def check_batch(self, tokens: int) -> None:
        """DataError if a sentence alone is more than a batch of so many padded tokens."""
        check_batch(self.name, self.read(), tokens)

    def images(self, split: str | None = None) -> tuple[str, ...]:
        """See `DataFiles.images`: there are none."""
        return ()

    def contents(self, *, afresh: bool = False) -> str | None:
        """See `DataFiles.contents`."""
        return None

    def get(self) -> None:
        """See `DataFiles.get`: it can't be got."""
        self.check()
