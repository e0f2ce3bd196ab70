"""What the numbers of a sweep say, in sentences that they support and no others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from bench.board import Board
from bench.plots.differences import OURS, THEIRS, half_width
from bench.spec import Sweep
from bench.store import State


def summary(sweep: Sweep, board: Board, found: Mapping[str, State]) -> list[str]:
    """State of the trials, then whether only_norm beats all, as far as the seeds tell."""
    counts = Counter[str](state.status for state in found.values())
    told = ", ".join(f"{count} {status}" for status, count in counts.most_common())
    sentences = [f"The sweep has {len(sweep.trials)} trials: {told}."]
    if counts["done"] < len(sweep.trials):
        sentences.append("It isn't finished: means are over the seeds that are done, and n says how many.")
    return sentences + _answer(board)


def _answer(board: Board) -> list[str]:
    pairs = [
        difference
        for row in board.rows
        for column in board.columns
        if (difference := board.difference(row, column, OURS, THEIRS))
    ]
    if not pairs:
        return [f"No cell has both {OURS} and {THEIRS}, so that they can't be compared."]
    certain = [pair for pair in pairs if pair.std is not None and abs(pair.mean) > half_width(pair)]
    ahead, behind = sum(pair.mean > 0 for pair in certain), sum(pair.mean < 0 for pair in certain)
    sentence = (
        f"Of {len(pairs)} comparisons of {OURS} with {THEIRS}, paired over seeds, {OURS} is ahead in {ahead} and "
        f"behind in {behind} by more than the 95 % interval of the difference; the seeds don't tell the other "
        f"{len(pairs) - len(certain)} apart."
    )
    fewest = min(pair.n for pair in pairs)
    return [sentence] + (["Single seeds say nothing about spread."] if fewest < 2 else [])
