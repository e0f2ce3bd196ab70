"""The page of a ranking: methods by average rank, their means in every task, and who beats whom."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from bench.board.inference import ALPHA, p_text
from bench.board.notes import circumstances
from bench.board.page.board_table import cell_details
from bench.board.page.page import Page
from bench.board.page.table import EMPTY, Grid, Section, TableCell, TableRow, Title
from bench.board.rank.scores import Scores
from bench.board.rank.standings import DRAWS, Placed, Ranking
from bench.errors import counted

_FEW_TASKS, _FEW_METHODS = 10, 5
"""Up to here Friedman's χ² is a rough approximation (Demšar 2006, section 3.2.2)."""


def rank_page(scores: Scores, ranking: Ranking) -> Page:
    """The page that `sambench rank` prints."""
    board = scores.board
    return Page(
        board.title,
        lead=tuple(conclusions(scores, ranking)),
        grids=(_ranking(scores, ranking), _means(scores, ranking), _pairs(scores, ranking)),
        notes=(*_reading(scores, ranking), *scores.left_out, *_thin(scores), *circumstances(board)),
        records=tuple(_record(scores, each) for each in ranking.placed),
        facts=_facts(scores, ranking),
    )


def conclusions(scores: Scores, ranking: Ranking) -> list[str]:
    """Who leads, whether methods differ at all, and which pairs the tests separate."""
    tasks, methods = len(scores.complete), len(scores.methods)
    if not tasks:
        return [
            "No task has results of all methods: nothing can be ranked. --missing methods leaves out the methods that "
            "lack one; --methods names what belongs to a method, such as --methods variant,scope,m."
        ]
    first = ranking.placed[0]
    leads = [each.method for each in ranking.placed if each.rank == first.rank]
    best = f"{' and '.join(leads)} {'have' if len(leads) > 1 else 'has'}"
    rank = f"{first.rank:.2f} [{_ends(first.rank_interval)}]"
    told = f"Of {methods} methods over {counted(tasks, 'task')}, {best} the best average rank, {rank}."
    return [told, *_tests(scores, ranking)]


def _tests(scores: Scores, ranking: Ranking) -> list[str]:
    tasks, methods = len(scores.complete), len(scores.methods)
    if ranking.p is None or ranking.critical is None:
        return ["Friedman's test needs three methods and two tasks that have all of them, and ranks that differ."]
    differ = "methods differ" if ranking.p < ALPHA else "no evidence that any methods differ"
    lines = [f"Friedman's test: χ² = {ranking.statistic:.2f}, {p_text(ranking.p)}: {differ}."]
    apart = [f"{one} from {other}" for one, other in _apart(ranking)]
    if ranking.p < ALPHA:
        some = f"tells {'; '.join(apart)}" if apart else "tells no pair apart"
        lines.append(f"Nemenyi's test at 5 % {some}: average ranks must lie {ranking.critical:.2f} or more apart.")
    elif ranking.critical > methods - 1:
        lines.append(
            f"With {counted(tasks, 'task')} no two methods could be told apart: the critical difference of average "
            f"ranks, {ranking.critical:.2f}, is more than their largest possible one, {methods - 1}."
        )
    return lines


def _apart(ranking: Ranking) -> list[tuple[str, str]]:
    """Pairs that Nemenyi's test tells apart, the better one first."""
    order = [each.method for each in ranking.placed]
    return [(a, b) for i, a in enumerate(order) for b in order[i + 1 :] if ranking.pairs.get((a, b), 1.0) < ALPHA]


def _ranking(scores: Scores, ranking: Ranking) -> Grid:
    titles = ("average rank", "win rate", "tasks")
    lines = tuple(TableRow(each.method, tuple(map(TableCell, _texts(each)))) for each in ranking.placed)
    caption = f"{scores.board.title}, by {scores.board.metric.name}"
    return Grid(caption, scores.board.layout.corner, (tuple(map(Title, titles)),), (Section("", lines),), alike=False)


def _texts(each: Placed) -> tuple[str, ...]:
    rank = EMPTY if math.isnan(each.rank) else f"{each.rank:.2f} [{_ends(each.rank_interval)}]"
    wins = f"{100 * each.wins:.0f} % [{', '.join(f'{100 * end:.0f}' for end in each.wins_interval)}]"
    return rank, wins, str(each.tasks)


def _means(scores: Scores, ranking: Ranking) -> Grid:
    board = scores.board
    lines = tuple(
        TableRow(each.method, tuple(_mean(scores, ranking, each.method, task) for task in scores.tasks))
        for each in ranking.placed
    )
    caption = f"{board.metric.name} in {board.metric.unit} by task: {board.spread.about} (n seeds)"
    return Grid(caption, board.layout.corner, (tuple(map(Title, scores.tasks)),), (Section("", lines),))


def _mean(scores: Scores, ranking: Ranking, method: str, task: str) -> TableCell:
    cell = scores.cell(method, task)
    summary = cell.chosen.summary if cell else None
    if cell is None or summary is None:
        return TableCell(EMPTY)
    rank = ranking.ranks[method, task]
    details = (f"rank {rank:g}", *cell_details(cell))
    marks = scores.board.footnotes.marks(cell.chosen.origins)
    text = scores.board.spread.text(summary, scores.board.digits)
    return TableCell(text, details, underline=rank == 1, marks=marks)


def _pairs(scores: Scores, ranking: Ranking) -> Grid:
    order = [each.method for each in ranking.placed]
    lines = tuple(TableRow(one, tuple(_pair(scores, ranking, one, other) for other in order)) for one in order)
    return Grid(
        "Tasks in which the line beats the column", "method", (tuple(map(Title, order)),), (Section("", lines),)
    )


def _pair(scores: Scores, ranking: Ranking, one: str, other: str) -> TableCell:
    if one == other:
        return TableCell(EMPTY)
    won, of = beaten(scores, ranking, one, other)
    p = ranking.pairs.get((one, other))
    return TableCell(
        f"{won:g} of {of}", () if p is None else (p_text(p),), bold=p is not None and p < ALPHA and won > of / 2
    )


def beaten(scores: Scores, ranking: Ranking, one: str, other: str) -> tuple[float, int]:
    """In how many tasks one method beats another, a tie as half, of those that both have results in."""
    ranks = [(ranking.ranks.get((one, task)), ranking.ranks.get((other, task))) for task in scores.tasks]
    both = [(a, b) for a, b in ranks if a is not None and b is not None]
    return sum((a < b) + (a == b) / 2 for a, b in both), len(both)


def _reading(scores: Scores, ranking: Ranking) -> list[str]:
    lines = [
        "Rank 1 is the best mean of a task, underlined; equal means share the average of their ranks. Win rate: the "
        "share of the other methods that one beats in a task, a tie as half, averaged over its tasks.",
        f"In brackets: 95 % intervals of a bootstrap with {DRAWS} draws of tasks and, within each, of seeds; ρ stays "
        "as it was chosen. Of few tasks they are too narrow.",
    ]
    if ranking.p is not None:
        lines.append("p of pairs: Nemenyi's test, which corrects for their number; bold where below 5 %.")
        if len(scores.complete) <= _FEW_TASKS or len(scores.methods) <= _FEW_METHODS:
            lines.append(
                f"Both tests rest on an approximation that is rough for up to {_FEW_TASKS} tasks or {_FEW_METHODS} "
                f"methods: here are {len(scores.complete)} and {len(scores.methods)}."
            )
    return lines


def _thin(scores: Scores) -> list[str]:
    """Cells whose mean is over fewer seeds than the sweeps say."""
    cells = [cell.chosen for m in scores.methods for t in scores.tasks if (cell := scores.cell(m, t))]
    thin = sum(len(runs.values) < runs.expected for runs in cells)
    return [f"{thin} of {len(cells)} means are over fewer seeds than planned."] if thin else []


def _ends(interval: Sequence[float]) -> str:
    return ", ".join(f"{end:.2f}" for end in interval)


def _number(value: float | None) -> float | None:
    """JSON has no nan."""
    return None if value is None or math.isnan(value) else value


def _record(scores: Scores, each: Placed) -> dict[str, Any]:
    return {
        "method": each.method,
        "metric": scores.board.metric.name,
        "average_rank": _number(each.rank),
        "rank_low": _number(each.rank_interval[0]),
        "rank_high": _number(each.rank_interval[1]),
        "win_rate": each.wins,
        "win_rate_low": each.wins_interval[0],
        "win_rate_high": each.wins_interval[1],
        "tasks": each.tasks,
        "complete_tasks": len(scores.complete),
    }


def _facts(scores: Scores, ranking: Ranking) -> dict[str, Any]:
    board = scores.board
    return {
        "title": board.title,
        "metric": board.metric.name,
        "spread": board.spread.name,
        "tasks": scores.tasks,
        "complete_tasks": scores.complete,
        "friedman": {"statistic": ranking.statistic, "p": ranking.p},
        "critical_difference": ranking.critical,
        "pairs": [
            {"method": one, "other": other, "wins": won, "tasks": of, "p": ranking.pairs.get((one, other))}
            for one in scores.methods
            for other in scores.methods
            if one != other
            for won, of in [beaten(scores, ranking, one, other)]
        ],
        "scores": [_score(scores, ranking, *place) for place in ranking.ranks],
    }


def _score(scores: Scores, ranking: Ranking, method: str, task: str) -> dict[str, Any]:
    cell = scores.cell(method, task)
    assert cell is not None, "what has a rank has results"
    summary = cell.chosen.summary
    assert summary is not None
    trial = cell.trial
    low, high = scores.board.spread.bounds(summary) or (None, None)
    return {
        "method": method,
        "task": task,
        "dataset": trial.dataset,
        "model": trial.model,
        "optimizer": trial.optimizer,
        "rho": cell.chosen.rho,
        "rank": ranking.ranks[method, task],
        "mean": summary.mean,
        "std": summary.std,
        "n": summary.n,
        "low": low,
        "high": high,
    }
