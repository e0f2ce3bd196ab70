"""Compare: each cell of a board beside the paper's number, with a verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import get_args

from bench.board.board import Board
from bench.board.cells import Cell, Key
from bench.board.inference import ALPHA, Judgement, Word, judge
from bench.errors import counted
from bench.papers.sam_on.claims import Effect, effect_at
from bench.papers.sam_on.deviations import deviations
from bench.papers.sam_on.forms import form_of
from bench.papers.sam_on.numbers import SEEDS, PaperCell, numbers


@dataclass(frozen=True)
class Comparison:
    """One cell of the board, and what the paper has for it."""

    key: Key
    cell: Cell
    paper: PaperCell | None
    effect: Effect | None
    """What the paper claims there."""
    judgement: Judgement


def compare(board: Board, paper: str | None) -> list[Comparison]:
    """Every cell of the board; where several tables have a number, that of the sweep's own table `paper` counts."""
    table = form_of(paper)
    compared = []
    for key, cell in board.cells.items():
        theirs = numbers().find(cell.trial, board.metric.name, table)
        effect = effect_at(theirs) if theirs and theirs.mean is not None else None
        compared.append(Comparison(key, cell, theirs, effect, _judgement(cell, theirs, effect)))
    return compared


def not_in_sweep(compared: Sequence[Comparison], board: Board, paper: str | None) -> list[PaperCell]:
    """Cells of the sweep's own table that the sweep has no trial for, without those that the paper itself cites."""
    table = form_of(paper)
    found = {id(each.paper) for each in compared}
    found |= {id(cell) for cell in numbers().cited(table, board.metric.name)} if table else set()
    return [
        cell
        for cell in numbers().cells
        if cell.table == table and cell.measure == board.metric.name and id(cell) not in found
    ]


def verdicts(compared: Sequence[Comparison], unit: str) -> list[str]:
    """The count of each verdict, and how verdicts are reached; `unit` is that of the differences."""
    counts: Counter[str] = Counter(each.judgement.word for each in compared)
    shown = sum(
        each.judgement.p_equivalence is not None and each.judgement.p_equivalence < ALPHA
        for each in compared
        if each.judgement.word == "reproduced"
    )
    of = f"{shown} of {counts['reproduced']}"
    words = ", ".join(f"{counts[word]} {word}" for word in get_args(Word))
    return [
        f"Against the paper, {counted(len(compared), 'cell')}: {words}.",
        "reproduced: the means differ by no more than the margin, which is 3 units of the last digit of the paper's "
        "std or 2 of its stds, whichever is more, but at most half of the effect that the paper claims there; for "
        f"{of} two one-sided tests also show at 5 % that the true difference lies within it.",
        "higher, lower: beyond the margin, and Welch's t-test says at 5 % that the means differ.",
        "can't be judged: beyond the margin without that; or half of the effect is less than the standard error of the "
        "difference, so that the spread hides it; or a std is missing.",
        f"Difference: ours − the paper's in {unit} [95 % confidence interval], taking the paper's n as {SEEDS}.",
    ]


def _judgement(cell: Cell, paper: PaperCell | None, effect: Effect | None) -> Judgement:
    if paper is None:
        return Judgement("not comparable", "the paper has no such cell")
    if paper.mean is None:
        return Judgement("not comparable", "lost in the paper's text")
    if different := deviations(replace(cell.trial, rho=cell.chosen.rho), paper.table):
        return Judgement("not comparable", f"different training setup: {', '.join(different)}")
    summary = cell.chosen.summary
    if summary is None:
        return Judgement("not comparable", "no result yet")
    if paper.std is None:
        return Judgement("can't be judged", "the paper gives no std", summary.mean - paper.mean)
    return judge(summary, paper.mean, paper.std, paper.unit, SEEDS, effect=effect.size if effect else None)
