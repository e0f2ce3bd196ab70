"""Aggregate: from results of trials to the cells of a board, with ρ chosen on the validation split."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.board.layout import Layout
from bench.board.statistics import Summary, paired_difference, summarize
from bench.spec import Sweep
from bench.store import Store, connect
from bench.trial import NONE, Trial

SELECTION = "val_accuracy"
"""What ρ is chosen by, where the data set has a validation split."""


@dataclass
class Runs:
    """The trials of one method at one ρ: a value per finished seed."""

    rho: float | None
    expected: int = 0
    values: dict[int, float] = field(default_factory=dict)
    """Seed → the board's metric."""
    selection: dict[int, float] = field(default_factory=dict)
    """Seed → what ρ is chosen by."""
    failures: dict[str, int] = field(default_factory=dict)
    """Outcome → number of trials that ended so and are not done."""

    @property
    def summary(self) -> Summary | None:
        return summarize(list(self.values.values()))


@dataclass(frozen=True)
class Cell:
    """One method on one column: every swept ρ, and the chosen one."""

    swept: tuple[Runs, ...]
    """By rising ρ."""
    chosen: Runs

    @property
    def at_edge(self) -> bool:
        """Whether the chosen ρ is the smallest or largest of several tried, so that a better one may lie outside."""
        tried = [runs for runs in self.swept if runs.values]
        return len(tried) > 2 and (self.chosen is tried[0] or self.chosen is tried[-1])


@dataclass(frozen=True)
class Board:
    """Cells by (row, column, scope), in the order of the sweep."""

    title: str
    metric: str
    selection: str
    """Measure that ρ was chosen by."""
    layout: Layout
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    scopes: tuple[str, ...]
    cells: Mapping[tuple[str, str, str], Cell]
    remarks: tuple[str, ...] = ()
    """Guesses and the like that went into the sweep."""

    @property
    def empty(self) -> bool:
        """Whether no trial has a result yet."""
        return not any(runs.values for cell in self.cells.values() for runs in cell.swept)

    def best(self, column: str) -> tuple[str, str, str] | None:
        """Key of the highest mean in a column."""
        return self._highest([key for key in self.cells if key[1] == column])

    def better(self, row: str, column: str) -> tuple[str, str, str] | None:
        """Key of the scope with the highest mean in a row, where at least two have results."""
        keys = [key for key in self.cells if key[:2] == (row, column) and self.cells[key].chosen.summary]
        return self._highest(keys) if len(keys) > 1 else None

    def difference(self, row: str, column: str, ours: str, theirs: str) -> Summary | None:
        """ours − theirs at each one's chosen ρ, paired over the seeds that both have."""
        pair = [self.cells.get((row, column, scope)) for scope in (ours, theirs)]
        if pair[0] is None or pair[1] is None:
            return None
        return paired_difference(pair[0].chosen.values, pair[1].chosen.values)

    def _highest(self, keys: Sequence[tuple[str, str, str]]) -> tuple[str, str, str] | None:
        means = {key: summary.mean for key in keys if (summary := self.cells[key].chosen.summary)}
        return max(means, key=lambda key: means[key]) if means else None


def make_board(store: Store, sweep: Sweep, metric: str | None = None) -> Board:
    """The board of a sweep's trials; `metric` defaults to the sweep's first measure."""
    metric = metric or sweep.measures[0]
    results = read_results(store, sweep.trials)
    selection = SELECTION if any(row.get(SELECTION) is not None for row in results.values()) else metric
    layout = Layout.of(sweep.trials)
    groups: dict[tuple[str, str, str], dict[float | None, Runs]] = defaultdict(dict)
    for trial in sweep.trials:
        key = (layout.row(trial), layout.column(trial), trial.scope)
        runs = groups[key].setdefault(trial.rho, Runs(trial.rho))
        _add(runs, trial, results.get(trial.trial_id, {}), metric, selection)
    cells = {key: _cell(list(by_rho.values())) for key, by_rho in groups.items()}
    return Board(
        title=sweep.title,
        metric=metric,
        selection=selection,
        layout=layout,
        rows=tuple(dict.fromkeys(row for row, _, _ in cells)),
        columns=tuple(dict.fromkeys(column for _, column, _ in cells)),
        scopes=tuple(dict.fromkeys(scope for _, _, scope in cells if scope != NONE)) or (NONE,),
        cells=cells,
        remarks=sweep.notes,
    )


def read_results(store: Store, trials: Sequence[Trial]) -> dict[str, dict[str, Any]]:
    """Rows of the view `results` by trial id; trials without any attempt have no outcome."""
    ids = {trial.trial_id for trial in trials}
    table = connect(store, ["results"]).sql("SELECT * FROM results").to_arrow_table()
    return {row["trial_id"]: row for row in table.to_pylist() if row["trial_id"] in ids}


def _add(runs: Runs, trial: Trial, result: Mapping[str, Any], metric: str, selection: str) -> None:
    runs.expected += 1
    outcome = result.get("outcome")
    if outcome == "done":
        if result.get(metric) is not None:
            runs.values[trial.seed] = result[metric]
        if result.get(selection) is not None:
            runs.selection[trial.seed] = result[selection]
    elif outcome is not None:
        runs.failures[outcome] = runs.failures.get(outcome, 0) + 1


def _cell(swept: list[Runs]) -> Cell:
    """Choose among the ρ with the most finished seeds, by the mean on validation; of equals the smallest."""
    swept.sort(key=lambda runs: runs.rho or 0.0)
    most = max(len(runs.selection) for runs in swept)
    candidates = [runs for runs in swept if len(runs.selection) == most]
    means = [summary.mean if (summary := summarize(list(runs.selection.values()))) else 0.0 for runs in candidates]
    return Cell(tuple(swept), candidates[means.index(max(means))])
