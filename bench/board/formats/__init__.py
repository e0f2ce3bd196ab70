"""FORMATS: how a page is written, as functions from a page to text. The terminal has rich tables instead."""

from __future__ import annotations

from collections.abc import Callable

from bench.board.formats.html import html
from bench.board.formats.latex import latex
from bench.board.formats.markdown import markdown
from bench.board.formats.records import as_csv, as_json
from bench.board.formats.terminal import terminal
from bench.board.page.page import Page

__all__ = ["FORMATS", "as_csv", "as_json", "html", "latex", "markdown", "terminal"]

FORMATS: dict[str, Callable[[Page], str]] = {
    "markdown": markdown,
    "csv": as_csv,
    "latex": latex,
    "html": html,
    "json": as_json,
}
