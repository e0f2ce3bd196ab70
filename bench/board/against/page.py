"""The page of a board against the paper: verdicts by cell, claims, and doubts about the paper's numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.board.against.claims import Tested, claims_of, conclusions
from bench.board.against.compare import Comparison, compare, not_in_sweep, verdicts
from bench.board.board import Board
from bench.board.inference import LEAST_P
from bench.board.notes import circumstances
from bench.board.page.board_table import cell_details, grid_of_cells
from bench.board.page.cited import cited_notes
from bench.board.page.page import Page
from bench.board.page.table import EMPTY, Grid, Section, TableCell, TableRow, Title
from bench.board.statistics import NO_RESULT, signed
from bench.errors import counted
from bench.papers.sam_on.claims import ScopeClaim
from bench.papers.sam_on.forms import form_of
from bench.papers.sam_on.numbers import numbers
from bench.trial import NONE

_DIGITS = 2
"""Decimals, unless the metric has its own."""


def against_page(board: Board, paper: str | None) -> Page:
    """Ours beside the paper's for each cell, then each claim."""
    compared = compare(board, paper)
    tested = {claim: tests for claim, tests in claims_of(compared).items() if tests}
    doubts = _doubts(compared)
    grids = [_cells(board, compared, doubts), *([_claims(board, tested)] if tested else [])]
    count, *reading = verdicts(compared, board.metric.difference_unit)
    lead = [*(["No trial is done yet."] if board.empty else []), count, *conclusions(tested, board.metric)]
    told = [*reading, *_left_out(board, compared, paper), *cited_notes(board), *circumstances(board)]
    told += [f"({mark}) {note}" for note, mark in doubts.items()]
    records = [_record(board, each) for each in compared]
    facts = {"title": board.title, "metric": board.metric.name, "claims": _claim_records(tested)}
    return Page(
        f"{board.title}, against the paper",
        lead=tuple(lead),
        grids=tuple(grids),
        notes=tuple(told),
        records=tuple(records),
        facts=facts,
    )


def _doubts(compared: Sequence[Comparison]) -> dict[str, str]:
    """Note of a paper's cell → its number; ours have letters."""
    notes = dict.fromkeys(each.paper.note for each in compared if each.paper and each.paper.note)
    return {note: str(number) for number, note in enumerate(notes, 1)}


def _cells(board: Board, compared: Sequence[Comparison], doubts: dict[str, str]) -> Grid:
    titles = ("ours", "paper", "difference", "verdict")
    lines = []
    for each in compared:
        summary = each.cell.chosen.summary
        marks = board.footnotes.marks(each.cell.chosen.origins)
        ours = TableCell(
            summary.text(_digits(board)) if summary else EMPTY, tuple(cell_details(each.cell)), marks=marks
        )
        theirs = TableCell(each.paper.text, marks=doubts.get(each.paper.note, "")) if each.paper else TableCell(EMPTY)
        entries = (ours, theirs, _difference(each, _digits(board)), _verdict(each))
        lines.append((each.key, entries))
    return grid_of_cells(board, f"{board.title}, against the paper", titles, lines)


def _claims(board: Board, tested: dict[ScopeClaim, list[Tested]]) -> Grid:
    titles = ("ours: mean ± std (n)", "p", "p, Holm", "paper", "same sign")
    blocks = []
    for claim, tests in tested.items():
        lines = [TableRow(_about(test), tuple(map(TableCell, _claim_texts(test, _digits(board))))) for test in tests]
        blocks.append(
            Section(f"{claim.text}: difference in {board.metric.difference_unit}, paired over seeds", tuple(lines))
        )
    return Grid("Claims", board.layout.corner, (tuple(map(Title, titles)),), tuple(blocks), alike=False)


def _digits(board: Board) -> int:
    return _DIGITS if board.metric.digits is None else board.metric.digits


def _claim_texts(test: Tested, digits: int) -> list[str]:
    agrees = {True: "yes", False: "no", None: EMPTY}[test.agrees]
    theirs = EMPTY if test.theirs is None else signed(test.theirs, digits)
    return [test.difference.text(digits, sign=True), _p(test.p), _p(test.p_holm), theirs, agrees]


def _left_out(board: Board, compared: Sequence[Comparison], paper: str | None) -> list[str]:
    lines = []
    if rest := not_in_sweep(compared, board, paper):
        lines.append(f"Of {rest[0].table}, {counted(len(rest), 'cell', 'has', 'have')} no trial in this sweep.")
    table = form_of(paper)
    unmapped = [reason for place, reason in numbers().unmapped if place.startswith(f"{table} · ")]
    if unmapped:
        reasons = ", ".join(dict.fromkeys(unmapped))
        lines.append(f"Of {table}, {counted(len(unmapped), 'cell')} can't be compared: {reasons}.")
    return lines


def _about(test: Tested) -> str:
    """The method and the column of a test."""
    row, column, scope = test.better.key
    return f"{test.better.cell.trial.variant if scope == NONE else row}, {column}"


def _difference(each: Comparison, digits: int) -> TableCell:
    """With its confidence interval below."""
    judgement = each.judgement
    if judgement.difference is None:
        return TableCell(EMPTY)
    interval = [signed(end, digits) for end in (judgement.low, judgement.high) if end is not None]
    return TableCell(signed(judgement.difference, digits), (f"[{', '.join(interval)}]",) if interval else ())


def _verdict(each: Comparison) -> TableCell:
    word, reason = each.judgement.word, each.judgement.reason
    return TableCell(word, (reason,) if reason else (), bold=word in ("higher", "lower"))


def _p(value: float | None) -> str:
    if value is None:
        return EMPTY
    return f"{value:.3f}" if value >= LEAST_P else f"<{LEAST_P}"


def _record(board: Board, each: Comparison) -> dict[str, Any]:
    row, column, scope = each.key
    runs, summary, paper, judgement = each.cell.chosen, each.cell.chosen.summary, each.paper, each.judgement
    return {
        "row": row,
        "column": column,
        "scope": scope,
        "rho": runs.rho,
        "metric": board.metric.name,
        **(summary.record if summary else NO_RESULT),
        "paper_table": paper.table if paper else None,
        "paper_mean": paper.mean if paper else None,
        "paper_std": paper.std if paper else None,
        "paper_note": paper.note if paper else None,
        "difference": judgement.difference,
        "low": judgement.low,
        "high": judgement.high,
        "paper_effect": each.effect.size if each.effect else None,
        "paper_rival": each.effect.rival.subject.scope if each.effect else None,
        "margin": judgement.margin,
        "p": judgement.p,
        "p_equivalence": judgement.p_equivalence,
        "verdict": judgement.word,
        "reason": judgement.reason,
    }


def _claim_records(tested: dict[ScopeClaim, list[Tested]]) -> list[dict[str, Any]]:
    return [
        {
            "claim": claim.text,
            "about": _about(test),
            "difference": test.difference.mean,
            "std": test.difference.std,
            "n": test.difference.n,
            "p": test.p,
            "p_holm": test.p_holm,
            "paper_difference": test.theirs,
            "same_sign": test.agrees,
        }
        for claim, tests in tested.items()
        for test in tests
    ]
