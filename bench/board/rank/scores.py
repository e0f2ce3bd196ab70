"""Scores: every method's result in every task, from the trials of several sweeps read as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bench.board.alike import judged_alike
from bench.board.board import Board, make_board
from bench.board.cells import Cell
from bench.board.rank.task_layout import TaskLayout
from bench.errors import UserError
from bench.store import Readable
from bench.sweep import Sweep
from bench.trial import NONE


@dataclass(frozen=True)
class Scores:
    """Methods × tasks; each cell at its chosen ρ, as on a board."""

    board: Board
    methods: tuple[str, ...]
    """Those that have a result somewhere."""
    tasks: tuple[str, ...]
    """Those that at least two methods have results in."""
    complete: tuple[str, ...]
    """The tasks that all methods have results in."""
    left_out: tuple[str, ...]
    """What isn't ranked, and why."""

    def cell(self, method: str, task: str) -> Cell | None:
        """None where the method has no result in the task."""
        found = self.board.cells.get((method, task, NONE))
        return found if found and found.chosen.values else None

    def values(self, method: str, task: str) -> Mapping[int, float]:
        """Seed → the metric, turned so that more is better; empty where nothing is."""
        found = self.cell(method, task)
        return {seed: self.board.metric.gain(value) for seed, value in found.chosen.values.items()} if found else {}


def read_scores(
    stores: Readable,
    sweeps: Sequence[Sweep],
    *,
    metric: str | None = None,
    methods: str | None = None,
    missing: str = "tasks",
    spread: str = "std",
) -> Scores:
    """The scores of all trials of the sweeps; UserError if the sweeps say different things of what is compared.

    Of methods without a result in some task, `missing` says which are left out of ranks and tests: the `tasks` that
    lack a method, or the `methods` that lack a task.
    """
    together = judged_alike(_together(sweeps, metric), metric)
    layout = TaskLayout.of_methods(together.trials, methods)
    return scores_of(make_board(stores, together, metric, layout, spread=spread), missing)


def scores_of(board: Board, missing: str = "tasks") -> Scores:
    """The scores on a board whose columns are tasks and whose lines are methods."""
    there = {(row, column) for (row, column, _), cell in board.cells.items() if cell.chosen.values}
    methods = tuple(row for row in board.rows if any(of == row for of, _ in there))
    notes = [f"{row}: no result in any task, so it isn't ranked." for row in board.rows if row not in methods]
    if missing == "methods":
        whole = tuple(row for row in methods if all((row, column) in there for column in _any(board, there)))
        notes += [
            f"{row}: left out, since it lacks {_lacks(board, row, there)}." for row in methods if row not in whole
        ]
        methods = whole
    tasks = tuple(c for c in board.columns if sum((row, c) in there for row in methods) > 1)
    complete = tuple(c for c in tasks if all((row, c) in there for row in methods))
    notes += [f"{c}: fewer than two methods have a result, so it is no task." for c in board.columns if c not in tasks]
    notes += [
        f"{c}: without a result of {', '.join(row for row in methods if (row, c) not in there)}, so that it counts in "
        "win rates alone; average ranks and tests are over the tasks that have all methods."
        for c in tasks
        if c not in complete
    ]
    return Scores(board, methods, tasks, complete, tuple(notes))


def _any(board: Board, there: set[tuple[str, str]]) -> list[str]:
    """Tasks that any method has a result in."""
    return [column for column in board.columns if any(of == column for _, of in there)]


def _lacks(board: Board, row: str, there: set[tuple[str, str]]) -> str:
    return ", ".join(column for column in _any(board, there) if (row, column) not in there)


def _together(sweeps: Sequence[Sweep], metric: str | None) -> Sweep:
    """One sweep of all trials, each once."""
    measures = {sweep.measures[0]: sweep.name for sweep in sweeps}
    if metric is None and len(measures) > 1:
        told = ", ".join(f"{measure} of {name}" for measure, name in measures.items())
        raise UserError(f"--metric: the sweeps show different measures ({told}); choose one")
    trials = {trial.trial_id: trial for sweep in sweeps for trial in sweep.trials}
    return replace(
        sweeps[0],
        name="rank",
        title=f"Ranking over {', '.join(dict.fromkeys(sweep.name for sweep in sweeps))}",
        trials=tuple(trials.values()),
        notes=tuple(dict.fromkeys(note for sweep in sweeps for note in sweep.notes)),
        guesses=frozenset().union(*(sweep.guesses for sweep in sweeps)),
        choices=tuple(dict.fromkeys(choice for sweep in sweeps for choice in sweep.choices)),
        paper=None,
    )
