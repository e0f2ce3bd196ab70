"""ding_de_en: the sentences of a German-English dictionary, Ding, as Debian's package trans-de-en has it.

A line is `German :: English`; `|` parts entries on both sides, which belong together where there are equally many. Kept
are entries without alternatives (`;`) that are sentences of four words or more in both languages, without annotations.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.data.files.contents import have_checksums
from bench.data.files.location import DataError, damaged
from bench.data.text.raw import Pair, RawCorpus, TextFiles, lines

FILE = Path("/usr/share/trans/de-en")
_MD5 = "595a99efc451255c4c765af683222ce6"
_HOW = "apt-get install trans-de-en, version 1.9"
_ANNOTATION = re.compile(r"\{[^}]*\}|\[[^\]]*\]|\([^)]*\)")
_WORDS = 4
"""Of a sentence, at least."""


@dataclass(frozen=True)
class DingFiles(TextFiles):
    """The dictionary, where its package puts it."""

    name: str = "ding_de_en"
    file: Path = FILE

    @property
    def root(self) -> Path:
        """See `DataFiles.root`."""
        return self.file.parent

    def check(self) -> tuple[str, ...]:
        """See `DataFiles.check`: the name of the data set stands for one version."""
        if not self.file.is_file():
            raise DataError(f"data set {self.name}: {self.file} is not there: {_HOW}")
        if not have_checksums([(self.file, _MD5)]):
            raise damaged(self.name, self.file, "is of another version", _HOW)
        return ()

    def read(self) -> RawCorpus:
        """All sentences, each once."""
        self.check()
        pairs = (pair for line in lines(self.name, self.file, _HOW) for pair in sentences(line))
        return RawCorpus(languages=("de", "en"), pairs=tuple(dict.fromkeys(pairs)))


def sentences(line: str) -> Iterator[Pair]:
    """The pairs of sentences in a line of the dictionary."""
    if line.startswith("#") or "::" not in line:
        return
    sides = [side.split("|") for side in line.split("::", 1)]
    if len(sides[0]) != len(sides[1]):
        return
    for entries in zip(*sides, strict=True):
        if any(";" in entry for entry in entries):
            continue
        german, english = (" ".join(_ANNOTATION.sub(" ", entry).split()) for entry in entries)
        if _is_sentence(german) and _is_sentence(english):
            yield german, english


def _is_sentence(text: str) -> bool:
    return text.endswith((".", "!", "?")) and len(text.split()) >= _WORDS


DING = DingFiles()
