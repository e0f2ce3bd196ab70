"""Blocks of code in pages: where they are, what language they are in, and the commands that one holds."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.shared.architecture import ROOT

PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")])
LANGUAGES = {"sh", "console", "python", "yaml", "sql", "text", "mermaid"}
"""`console` is a command after `$` and what it printed; `text` is printed, or drawn."""

_FENCE = re.compile(r"^( *)```(\S*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_REASON = re.compile(r"<!-- not run: (.+?) -->\n+$")
"""In the line before a block that no test can run: why."""


@dataclass(frozen=True, kw_only=True)
class Block:
    """One block of a page."""

    page: str
    line: int
    language: str
    text: str
    not_run: str | None

    def commands(self) -> Iterator[list[str]]:
        """The words of each command; one may go on over lines while a quotation is open."""
        lines = self.text.splitlines()
        if self.language == "console":
            lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
        begun = ""
        for line in lines:
            begun += f"{line}\n"
            try:
                words = shlex.split(begun, comments=True)
            except ValueError:
                continue
            begun = ""
            if words:
                yield words
        assert not begun, f"{self.page}:{self.line}: a quotation stays open"


def blocks(page: Path) -> list[Block]:
    """All of a page, from top to bottom."""
    text, found = page.read_text(encoding="utf-8"), []
    for fence in _FENCE.finditer(text):
        before = text[: fence.start()]
        reason = _REASON.search(before)
        found.append(
            Block(
                page=str(page.relative_to(ROOT)),
                line=before.count("\n") + 1,
                language=fence[2],
                text=re.sub(rf"^{fence[1]}", "", fence[3], flags=re.MULTILINE),
                not_run=reason[1] if reason else None,
            )
        )
    return found
