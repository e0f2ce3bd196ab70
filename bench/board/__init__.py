"""The board: mean ± std over seeds of a sweep's trials, in words, tables and plots."""

from bench.board.aggregate import Board, make_board

__all__ = ["Board", "make_board"]
