"""iwslt14_de_en: talks in German and English (WIT³, IWSLT 2014), in the files of the organisers' archive.

Prepared as by fairseq's script: without the lines of addresses, identifiers and keywords, with titles and descriptions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from bench.data.files.location import damaged, data_root, missing
from bench.data.text.raw import Pair, RawCorpus, TextFiles, lines

_LEFT_OUT = ("<url>", "<talkid>", "<keywords>")
_TAGS = re.compile(r"</?(?:title|description)>")
_SEGMENT = re.compile(r'<seg id="[0-9]*">\s*(.*?)\s*</seg>')
_TEST = ("TED.dev2010", "TEDX.dev2012", "TED.tst2010", "TED.tst2011", "TED.tst2012")
LANGUAGES = ("de", "en")


@dataclass(frozen=True, kw_only=True)
class IwsltFiles(TextFiles):
    """The archive's folder de-en."""

    name: str = "iwslt14_de_en"
    test_pairs: int | None = 6750
    """Pairs of the test sets together; None: not checked."""
    how: str = "Unpack de-en.tgz of WIT³'s archive 2014-01 there"

    @property
    def root(self) -> Path:
        """See `DataFiles.root`."""
        return data_root() / self.name

    def check(self) -> tuple[str, ...]:
        """See `DataFiles.check`."""
        for stem, ending in self._stems():
            for language in LANGUAGES:
                if not (path := self._path(stem, language, ending)).is_file():
                    raise missing(self.name, path, "train.tags.de-en.* and IWSLT14.TED*.xml there", self.how)
        return ()

    def read(self) -> RawCorpus:
        """All pairs; DataError if files are missing, of different lengths, or too few for the test set."""
        self.check()
        (train, _), *tests = self._stems()
        test = tuple(pair for stem, ending in tests for pair in self._pairs(stem, ending))
        if self.test_pairs is not None and len(test) != self.test_pairs:
            reason = f"{len(test)} pairs in the test sets, not {self.test_pairs}"
            raise damaged(self.name, self.root, reason, self.how)
        return RawCorpus(languages=LANGUAGES, pairs=self._pairs(train, ""), test=test)

    def _stems(self) -> list[tuple[str, str]]:
        return [("train.tags.de-en", ""), *((f"IWSLT14.{name}.de-en", ".xml") for name in _TEST)]

    def _path(self, stem: str, language: str, ending: str) -> Path:
        return self.root / f"{stem}.{language}{ending}"

    def _pairs(self, stem: str, ending: str) -> tuple[Pair, ...]:
        read = _segments if ending else _spoken
        found = [read(list(lines(self.name, self._path(stem, each, ending), self.how))) for each in LANGUAGES]
        if len(found[0]) != len(found[1]):
            reason = f"{len(found[0])} sentences in {LANGUAGES[0]} and {len(found[1])} in {LANGUAGES[1]}"
            raise damaged(self.name, self.root / f"{stem}.*{ending}", reason, self.how)
        return tuple(zip(*found, strict=True))


def _spoken(written: list[str]) -> list[str]:
    return [_TAGS.sub("", line) for line in written if not any(tag in line for tag in _LEFT_OUT)]


def _segments(written: list[str]) -> list[str]:
    return [found[1].replace("’", "'") for line in written if (found := _SEGMENT.search(line))]


IWSLT14 = IwsltFiles()
