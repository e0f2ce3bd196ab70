"""The board: mean ± std over seeds of a sweep's trials, in words and tables, and against the paper's numbers."""

from bench.board.alike import judged_alike
from bench.board.board import Board, make_board
from bench.board.show import show_board

__all__ = ["Board", "judged_alike", "make_board", "show_board"]
