"""Aggregate: from results of trials to the cells of a board, with ρ chosen on the validation split."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from bench.board.layout import Layout
from bench.board.origin import COLUMNS, Footnotes, Origin
from bench.board.statistics import Summary, paired_difference, summarize
from bench.spec import Sweep
from bench.store import Readable, connect
from bench.trial import NONE, Trial

Key = tuple[str, str, str]
"""Row, column and scope of a cell."""

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
    """Outcome → number of trials that ended so and are not done; they enter no mean."""
    unmeasured: int = 0
    """Number of done trials without the board's metric."""
    origins: list[Origin] = field(default_factory=list)
    """What the values were made with."""

    @property
    def summary(self) -> Summary | None:
        return summarize(list(self.values.values()))

    @property
    def missing(self) -> int:
        """Number of trials that have not ended yet."""
        return self.expected - len(self.values) - self.unmeasured - sum(self.failures.values())


@dataclass(frozen=True)
class Cell:
    """One method on one column: every swept ρ, and the chosen one."""

    trial: Trial
    """One of its trials, for what all of them share."""
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
    cells: Mapping[Key, Cell]
    remarks: tuple[str, ...] = ()
    """Guesses and the like that went into the sweep."""

    @cached_property
    def footnotes(self) -> Footnotes:
        """Letters for results that were made with something else than most."""
        return Footnotes.of([origin for cell in self.cells.values() for origin in cell.chosen.origins])

    @property
    def empty(self) -> bool:
        """Whether no trial has a result yet."""
        return not any(runs.values for cell in self.cells.values() for runs in cell.swept)

    def best(self, column: str) -> Key | None:
        """Key of the highest mean in a column."""
        return self._best.get(column)

    def better(self, row: str, column: str) -> Key | None:
        """Key of the scope with the highest mean in a row, where at least two have results."""
        keys = self._by_method.get((row, column), [])
        return self._highest(keys) if len(keys) > 1 else None

    def difference(self, row: str, column: str, ours: str, theirs: str) -> Summary | None:
        """ours − theirs at each one's chosen ρ, paired over the seeds that both have."""
        pair = [self.cells.get((row, column, scope)) for scope in (ours, theirs)]
        if pair[0] is None or pair[1] is None:
            return None
        return paired_difference(pair[0].chosen.values, pair[1].chosen.values)

    @cached_property
    def _means(self) -> dict[Key, float]:
        """Of the cells that have results."""
        return {key: summary.mean for key, cell in self.cells.items() if (summary := cell.chosen.summary)}

    @cached_property
    def _best(self) -> dict[str, Key]:
        by_column: dict[str, list[Key]] = defaultdict(list)
        for key in self._means:
            by_column[key[1]].append(key)
        return {column: self._highest(keys) for column, keys in by_column.items()}

    @cached_property
    def _by_method(self) -> dict[tuple[str, str], list[Key]]:
        """(row, column) → keys of its scopes that have results."""
        by_method: dict[tuple[str, str], list[Key]] = defaultdict(list)
        for key in self._means:
            by_method[key[:2]].append(key)
        return dict(by_method)

    def _highest(self, keys: Sequence[Key]) -> Key:
        return max(keys, key=self._means.__getitem__)


def make_board(stores: Readable, sweep: Sweep, metric: str | None = None, layout: Layout | None = None) -> Board:
    """The board of a sweep's trials; `metric` defaults to the sweep's first measure, `layout` to variants as rows."""
    metric = metric or sweep.measures[0]
    layout = layout or Layout.of(sweep.trials)
    results = read_results(stores, sweep.trials, [metric, SELECTION])
    selection = SELECTION if any(row[SELECTION] is not None for row in results.values()) else metric
    groups: dict[Key, dict[float | None, Runs]] = defaultdict(dict)
    of_cell: dict[Key, Trial] = {}
    for trial in sorted(sweep.trials, key=layout.rank):
        key = (layout.row(trial), layout.column(trial), layout.scope(trial))
        of_cell.setdefault(key, trial)
        runs = groups[key].setdefault(trial.rho, Runs(trial.rho))
        _add(runs, trial, results.get(trial.trial_id, {}), metric, selection)
    cells = {key: _cell(of_cell[key], list(by_rho.values())) for key, by_rho in groups.items()}
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


def read_results(
    stores: Readable, trials: Sequence[Trial], measures: Sequence[str] | None = None
) -> dict[str, dict[str, Any]]:
    """Rows of the view `results` by trial id, of these trials alone: DuckDB leaves out the rest of the store.

    With `measures`, only these, outcome and origin; trials without any attempt have no outcome.
    """
    names = dict.fromkeys(["trial_id", "outcome", *measures, *COLUMNS]) if measures is not None else {}
    columns = ", ".join(f'"{name}"' for name in names) or "*"
    ids = {trial.trial_id for trial in trials}
    with connect(stores, ["results"], only=ids) as connection:
        answer = connection.execute(
            f"SELECT {columns} FROM results SEMI JOIN (SELECT unnest($ids) AS trial_id) USING (trial_id)",
            {"ids": list(ids)},
        )
        found = [column[0] for column in answer.description]
        rows = [dict(zip(found, row, strict=True)) for row in answer.fetchall()]
    return {row["trial_id"]: row for row in rows}


def _add(runs: Runs, trial: Trial, result: Mapping[str, Any], metric: str, selection: str) -> None:
    runs.expected += 1
    outcome = result.get("outcome")
    if outcome == "done":
        if result[metric] is None:
            runs.unmeasured += 1
        else:
            runs.values[trial.seed] = result[metric]
            runs.origins.append(Origin.of(result))
        if result[selection] is not None:
            runs.selection[trial.seed] = result[selection]
    elif outcome is not None:
        runs.failures[outcome] = runs.failures.get(outcome, 0) + 1


def _cell(trial: Trial, swept: list[Runs]) -> Cell:
    """Choose among the ρ with the most finished seeds, by the mean on validation; of equals the smallest."""
    swept.sort(key=lambda runs: runs.rho or 0.0)
    most = max(len(runs.selection) for runs in swept)
    candidates = [runs for runs in swept if len(runs.selection) == most]
    means = [summary.mean if (summary := summarize(list(runs.selection.values()))) else 0.0 for runs in candidates]
    return Cell(trial, tuple(swept), candidates[means.index(max(means))])
