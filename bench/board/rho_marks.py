"""MARKS: signs after a ρ on a board that say why its choice is open to doubt."""

from __future__ import annotations

from collections.abc import Callable

from bench.board.cells import Cell

MARKS: dict[str, tuple[Callable[[Cell], bool], str]] = {
    "?": (lambda cell: cell.guessed, "a guess; which ρ the paper chose is lost in its text."),
    "†": (
        lambda cell: cell.decision.edge is not None,
        "the chosen ρ is the smallest or largest that was swept; a better one may lie beyond.",
    ),
    "=": (lambda cell: bool(cell.decision.ties), "another ρ has the same mean; the smallest is shown."),
    "‡": (
        lambda cell: bool(cell.decision.left_out),
        "another ρ has fewer finished seeds and did not compete.",
    ),
}
"""Mark → which cells have it, and what it means."""
