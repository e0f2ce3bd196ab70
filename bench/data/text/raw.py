"""Raw text: sentence pairs as in the files, and how a corpus without splits is split."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.data.files.location import damaged

Pair = tuple[str, str]

EVERY = 23
"""One pair of so many is held out for validation, as fairseq's preparation of IWSLT'14 does."""
TEST = 11
"""Place among them of the pair for the test split, where a corpus has none."""


@dataclass(frozen=True, kw_only=True)
class RawCorpus:
    """Pairs before they are tokenised."""

    languages: Pair
    """Codes of source and target, such as `de` and `en`."""
    pairs: tuple[Pair, ...]
    """For training and validation, and for the test too where there are no others."""
    test: tuple[Pair, ...] | None = None

    def digest(self) -> str:
        """SHA-256 of all that is in it."""
        found = hashlib.sha256(" ".join(self.languages).encode())
        for part in (self.pairs, self.test or ()):
            found.update(f"\0{len(part)}\0".encode())
            for pair in part:
                found.update("\0".join(pair).encode() + b"\n")
        return found.hexdigest()


def parts(pairs: Iterable[Pair], *, test: bool) -> tuple[list[Pair], list[Pair], list[Pair]]:
    """Training, validation and, where `test` says so, test pairs, by their number, 1-based."""
    train: list[Pair] = []
    held: dict[int, list[Pair]] = {0: [], TEST: []} if test else {0: []}
    for number, pair in enumerate(pairs, 1):
        held.get(number % EVERY, train).append(pair)
    return train, held[0], held.get(TEST, [])


def lines(name: str, path: Path, how: str) -> Iterator[str]:
    """The lines of a text file, without their ends; DataError if it is empty or isn't UTF-8."""
    try:
        # Spreadsheets begin with a mark.
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise damaged(name, path, f"line {line} isn't UTF-8", how) from error
    if not text:
        raise damaged(name, path, "is empty", how)
    # Only what ends a line: text has other separators, and returns, within sentences.
    yield from (line.removesuffix("\r") for line in text.removesuffix("\n").split("\n"))
