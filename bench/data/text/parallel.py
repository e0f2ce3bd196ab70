"""parallel:PATH: the user's own parallel corpus, as one tab-separated file or two files with matching lines.

- `parallel:FILE.tsv`: the first line names the languages, source first, as in `de<TAB>en`; then a pair a line.
- `parallel:NAME.de-en`: the files NAME.de-en.de and NAME.de-en.en, line by line; source first.

Pairs that are there twice count once, so that no test pair is trained on; of the others every 23rd is for validation
and the one in the middle between two of these for the test.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.data.files.contents import digest_of_files
from bench.data.files.location import DataError, damaged, data_root, missing
from bench.data.text.raw import Pair, RawCorpus, lines
from bench.data.text.text_files import TextFiles
from bench.errors import shown

FORM = "parallel:FILE.tsv or parallel:NAME.de-en"
_PREFIX = re.compile(r"\.([a-z]{2,3})-([a-z]{2,3})$")
_HOW = "The first line of a .tsv names both languages, as in de<TAB>en; NAME.de-en stands for two files"


@dataclass(frozen=True)
class ParallelFiles(TextFiles):
    """The files of one corpus."""

    path: str
    """Under the data root; an absolute path stands for itself."""

    def __post_init__(self) -> None:
        if not self.path.endswith(".tsv") and not _PREFIX.search(self.path):
            raise DataError(
                f"data set parallel:{self.path}: write {FORM}, which stands for NAME.de-en.de and NAME.de-en.en"
            )

    @property
    def name(self) -> str:
        """See `DataFiles.name`."""
        return f"parallel:{self.path}"

    @property
    def root(self) -> Path:
        """See `DataFiles.root`."""
        return (data_root() / self.path).parent

    def contents(self, *, afresh: bool = False) -> str:
        """See `DataFiles.contents`."""
        languages = _PREFIX.search(self.path)
        names = languages.groups() if languages else ("pairs",)
        return digest_of_files(zip(names, map(str, self._files()), strict=True))

    def read(self) -> RawCorpus:
        """All pairs, each once; DataError for files that don't match."""
        files = self._files()
        languages, pairs = self._two(*files) if len(files) == 2 else self._tabs(*files)
        return RawCorpus(languages=languages, pairs=tuple(dict.fromkeys(pairs)))

    def _files(self) -> list[Path]:
        base = data_root() / self.path
        found = _PREFIX.search(self.path)
        files = [base.with_name(f"{base.name}.{each}") for each in found.groups()] if found else [base]
        for file in files:
            if not file.is_file():
                raise missing(self.name, file, "a text file", _HOW)
        return files

    def _two(self, source: Path, target: Path) -> tuple[Pair, Iterator[Pair]]:
        found = _PREFIX.search(self.path)
        assert found is not None, "two files have a name with both languages"
        first, second = (list(lines(self.name, file, _HOW)) for file in (source, target))
        if len(first) != len(second):
            raise damaged(self.name, target, f"{len(second)} lines, and {len(first)} in {source.name}", _HOW)
        return (found[1], found[2]), zip(first, second, strict=True)

    def _tabs(self, file: Path) -> tuple[Pair, Iterator[Pair]]:
        rows = [line.split("\t") for line in lines(self.name, file, _HOW)]
        for number, row in enumerate(rows, 1):
            if len(row) != 2:
                raise damaged(self.name, file, f"line {number} has {len(row) - 1} tabs, not 1", _HOW)
        if not all(re.fullmatch("[a-z]{2,3}", language) for language in rows[0]):
            named = " and ".join(map(shown, rows[0]))
            reason = f"its first line doesn't name two languages by codes, as de and en, but has {named}"
            raise damaged(self.name, file, reason, _HOW)
        return (rows[0][0], rows[0][1]), ((source, target) for source, target in rows[1:])
