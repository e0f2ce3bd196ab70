"""Summary: what the numbers of a sweep say, in sentences that they support."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from bench.board import Board
from bench.board.answer import OURS, THEIRS, answer
from bench.board.footnotes import FIELDS
from bench.errors import counted
from bench.store import State
from bench.sweep import Sweep


def summary(sweep: Sweep, board: Board, found: Mapping[str, State]) -> list[str]:
    """State of the trials, whether only_norm beats all as far as the seeds tell, and what makes that unsure."""
    counts = Counter[str](state.status for state in found.values())
    told = ", ".join(f"{count} {status}" for status, count in counts.most_common())
    sentences = [f"The sweep has {counted(len(sweep.trials), 'trial')}: {told}."]
    ended = counts["done"] + counts["failed"] + counts["pruned"]
    if ended < len(sweep.trials):
        sentences.append("It isn't finished: means are over the seeds that are done, and n says how many.")
    answered = answer(board) or [f"No cell has both {OURS} and {THEIRS}, so that they can't be compared."]
    return [*sentences, *answered, *_doubts(board)]


def _doubts(board: Board) -> list[str]:
    lines = []
    failed = sum(sum(cell.chosen.failures.values()) for cell in board.cells.values())
    if failed and not board.empty:
        lines.append(
            f"{counted(failed, 'trial')} behind the board ended without a result, so these means are over the "
            "remaining seeds."
        )
    if mixed := list(dict.fromkeys(FIELDS[field] for field, _ in board.footnotes.letters)):
        lines.append(f"Results differ in {', '.join(mixed)}, so that differences may not be the method's alone.")
    return [*lines, *board.weak_steps]
