"""Render: a board in one of the formats, and what it says in words."""

from __future__ import annotations

from rich.console import RenderableType

from bench.board import formats
from bench.board.aggregate import Board
from bench.board.notes import answer, notes
from bench.board.page import board_page

__all__ = ["answer", "as_csv", "markdown", "notes", "terminal"]


def terminal(board: Board) -> RenderableType:
    """A rich table; the better scope bold, the best of a column underlined."""
    return formats.terminal(board_page(board))


def markdown(board: Board) -> str:
    """A Markdown table with its notes."""
    return formats.markdown(board_page(board))


def as_csv(board: Board) -> str:
    """One line per cell and swept ρ."""
    return formats.as_csv(board_page(board))
