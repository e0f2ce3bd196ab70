"""Notes: how to read a board, and what it answers in words."""

from __future__ import annotations

from bench.board.aggregate import Board


def notes(board: Board) -> list[str]:
    """How to read the board, and what it answers; a line that begins with spaces belongs to the one before."""
    expected = sum(runs.expected for cell in board.cells.values() for runs in cell.swept)
    if board.empty:
        return [f"No trial is done yet: none of {expected} has a {board.metric}."]
    return [_reading(board), *circumstances(board), *answer(board)]


def circumstances(board: Board) -> list[str]:
    """How the cells came about: choice of ρ, what is in no mean, what all share, their origin."""
    lines = []
    if any(len(cell.swept) > 1 for cell in board.cells.values()):
        same = board.selection == board.metric
        split = ", the same split as is reported." if same else "."
        lines.append(f"ρ chosen by mean {board.selection} among the swept values{split}")
    if any(cell.at_edge for cell in board.cells.values()):
        lines.append("†: the chosen ρ is the smallest or largest that was swept; a better one may lie beyond.")
    if any(cell.chosen.failures for cell in board.cells.values()):
        lines.append("Trials that are not done (pruned, diverged, …) are counted below their cell and enter no mean.")
    fixed = ", ".join(f"{name} {value}" for name, value in board.layout.shared.items())
    if fixed:
        lines.append(f"All trials: {fixed}.")
    return lines + board.footnotes.notes() + list(board.remarks)


def answer(board: Board) -> list[str]:
    """Does only_norm beat all? The paired difference of each pair of cells, and the count."""
    pairs = {
        (row, column): difference
        for row in board.rows
        for column in board.columns
        if (difference := board.difference(row, column, "only_norm", "all"))
    }
    if not pairs:
        return []
    lines = ["only_norm − all in points, paired over seeds, mean ± std (n):"]
    lines += [f"  {row}, {column}: {pair.text(2, sign=True)}" for (row, column), pair in pairs.items()]
    ahead = sum(pair.mean > 0 for pair in pairs.values())
    behind = sum(pair.mean < 0 for pair in pairs.values())
    clear = sum(pair.std is not None and abs(pair.mean) > pair.std for pair in pairs.values())
    lines.append(
        f"only_norm is ahead in {ahead} and behind in {behind} of {len(pairs)} comparisons; "
        f"in {clear} of them by more than one std of the paired differences."
    )
    return lines


def _reading(board: Board) -> str:
    bold = "Bold: the better scope of a row; underlined: the best of a column."
    styled = bold if len(board.scopes) > 1 else "Underlined: the best of a column."
    return f"{board.metric} in %: mean ± sample std (n seeds). {styled}"
