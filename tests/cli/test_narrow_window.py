"""A window of forty columns: tables that would lose words are lists, and what stays a table cuts none."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from rich.console import RenderableType

from bench.board.formats.terminal import terminal
from bench.board.page.board_table import board_grid
from bench.board.page.page import Page
from bench.cli.commands.listing import sweep_line
from bench.cli.render import catalog, console, sweep_list
from bench.cli.render.console import Safe
from bench.sweep import load
from bench.sweep.file.lookup import sweep_file
from tests.board.made_up import UNSURE, board_of

WIDTH = 40


def shown(content: RenderableType, monkeypatch: pytest.MonkeyPatch) -> str:
    sink = io.StringIO()
    monkeypatch.setattr(console, "out", Safe(file=sink, force_terminal=True, width=WIDTH, color_system=None))
    console.show(content)
    text = sink.getvalue()
    assert max(map(len, text.splitlines())) <= WIDTH
    assert "…" not in text
    return text


@pytest.mark.parametrize("kind", ["measures", "models", "scopes"])
def test_every_name_of_a_catalog_stands_on_a_line_of_its_own(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [line.strip() for line in shown(catalog.catalog(kind), monkeypatch).splitlines()]
    assert {record["name"] for record in catalog.records(kind)} <= set(lines)


def test_commands_in_the_list_of_sweeps_keep_their_words(monkeypatch: pytest.MonkeyPatch) -> None:
    sweeps = [load(sweep_file(Path(name))) for name in ("cifar100-resnets", "scopes-of-all-methods-digits")]
    lines = [sweep_line(sweep, {}) for sweep in sweeps]
    paper = sweep_list.rows(lines, {sweep.name: sweep.trials for sweep in sweeps})
    text = " ".join(shown(sweep_list.listing(paper, lines), monkeypatch).split())
    assert re.search(r"Table 1 shows: CIFAR-100.* sambench board cifar100-resnets .*trials: 234 GPU-hours: ≈", text)
    assert "scopes-of-all-methods-digits title:" in text


def test_a_board_wraps_its_titles(monkeypatch: pytest.MonkeyPatch) -> None:
    board = board_of({"a_method_of_a_long_name": UNSURE, "base optimizer": UNSURE})
    page = Page("t", (), (board_grid(board),), (), (), {})
    assert "50.2 ± 0.7" in " ".join(shown(terminal(page), monkeypatch).split())
