"""What several tests of the board use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bench.board.page.page import Page
from bench.sweep import Sweep, load

Write = Callable[[str], Sweep]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """The sweep that a text is."""

    def written(text: str) -> Sweep:
        file = tmp_path / "written.yaml"
        file.write_text(text, encoding="utf-8")
        return load(file)

    return written


def labels(page: Page) -> list[list[str]]:
    """Of the lines of each block."""
    return [[line.label for line in block.lines] for block in page.grids[0].blocks]
