"""Board: from results of trials to the cells of a board, each at its chosen ρ."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from bench.board import weak_steps
from bench.board.cells import Cell, Key, Runs
from bench.board.choice import VALIDATION, decide, selection_measure
from bench.board.footnotes import COLUMNS, MEASURE_CODE, Footnotes, Origin
from bench.board.layouts.base import Layout
from bench.board.metric import Metric, metric_of
from bench.board.relative_cost import Cost, costs_of
from bench.board.statistics import Summary, paired_difference
from bench.board.uncertainty.spread import SPREADS, Spread
from bench.measures.names import quantity_of
from bench.store import Readable, connect, sql
from bench.store.read.query import as_list
from bench.sweep import Guess, Sweep
from bench.sweep.grouped_notes import grouped_notes
from bench.trial import NONE, SCHEMA, Trial
from bench.trial.schemas import id_under


@dataclass(frozen=True)
class Board:
    """Cells by (row, column, scope), in the order of the sweep."""

    title: str
    metric: Metric
    layout: Layout
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    scopes: tuple[str, ...]
    cells: Mapping[Key, Cell]
    spread: Spread = SPREADS["std"]
    """What is shown beside a mean."""
    remarks: tuple[str, ...] = ()
    """Guesses and choices that went into the sweep."""
    weak_steps: tuple[str, ...] = ()
    """Trials that lost many of their steps."""
    left_out: tuple[str, ...] = ()
    """Files that could not be read, each with the reason: their results are not on the board."""
    trained_again: int = 0
    """Number of trials with superseded results."""
    costs: Mapping[Key, Cost] | None = None
    """Cost relative to the base optimizer, if asked for."""

    @cached_property
    def footnotes(self) -> Footnotes:
        """Letters for results that were made with something else than most."""
        return Footnotes.of([origin for cell in self.cells.values() for origin in cell.chosen.origins])

    @property
    def digits(self) -> int:
        """Decimals of a mean and a std: the metric's own, else the layout's."""
        return self.layout.digits if self.metric.digits is None else self.metric.digits

    @property
    def empty(self) -> bool:
        """Whether no trial has a result yet."""
        return not any(runs.values for cell in self.cells.values() for runs in cell.swept)

    def best(self, column: str) -> Key | None:
        """Key of the best mean in a column."""
        return self._best.get(column)

    def better(self, row: str, column: str) -> Key | None:
        """Key of the scope with the best mean in a row, where at least two have results."""
        keys = self._by_method.get((row, column), [])
        return self._best_of(keys) if len(keys) > 1 else None

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
        return {column: self._best_of(keys) for column, keys in by_column.items()}

    @cached_property
    def _by_method(self) -> dict[tuple[str, str], list[Key]]:
        """(row, column) → keys of its scopes that have results."""
        by_method: dict[tuple[str, str], list[Key]] = defaultdict(list)
        for key in self._means:
            by_method[key[:2]].append(key)
        return dict(by_method)

    def _best_of(self, keys: Sequence[Key]) -> Key:
        return max(keys, key=lambda key: self.metric.gain(self._means[key]))


def make_board(
    stores: Readable,
    sweep: Sweep,
    metric: str | None = None,
    layout: Layout | None = None,
    *,
    spread: str = "std",
    schema: int = SCHEMA,
    cost: bool = False,
) -> Board:
    """The board of a sweep's trials; `metric` defaults to the sweep's first measure, `layout` to variants as rows.

    With an earlier `schema`, it shows the results recorded under that schema whose fields agree with the trials'. With
    `cost`, it also shows what training took.
    """
    shown = metric_of(metric or sweep.measures[0])
    layout = layout or Layout.of(sweep.trials, sweep.rows)
    instead = shown.name if shown.chooses_rho else sweep.measures[0]
    results = read_results(stores, sweep.trials, [shown.name, *VALIDATION, instead], schema)
    grouped: dict[Key, list[Trial]] = defaultdict(list)
    for trial in sorted(sweep.trials, key=layout.rank):
        grouped[layout.key(trial)].append(trial)
    cells = {key: _cell(trials, results, shown.name, instead, sweep.guesses) for key, trials in grouped.items()}
    board = Board(
        title=sweep.title,
        metric=shown,
        layout=layout,
        rows=tuple(dict.fromkeys(row for row, _, _ in cells)),
        columns=tuple(dict.fromkeys(column for _, column, _ in cells)),
        scopes=tuple(dict.fromkeys(scope for _, _, scope in cells if scope != NONE)) or (NONE,),
        cells=cells,
        spread=SPREADS[spread],
        remarks=grouped_notes(sweep),
        weak_steps=weak_steps.remarks(sweep.trials, results),
        trained_again=sum(bool(result.get(EARLIER)) for result in results.values()),
        left_out=tuple(text for store in as_list(stores) for text in store.left_out.values()),
    )
    return replace(board, costs=costs_of(stores, board, sweep.trials)) if cost else board


EARLIER = "earlier_results"
"""Column of the rows read for a board: number of the trial's superseded trainings."""


def read_results(
    stores: Readable, trials: Sequence[Trial], metrics: Sequence[str], schema: int = SCHEMA
) -> dict[str, dict[str, Any]]:
    """Outcome, origin and `metrics` by trial id, of these trials alone: DuckDB leaves out the rest of the store.

    Trials without any attempt have no outcome. Of the first metric, where it is a measure, the fingerprint of its code
    is there too.
    """
    by_id = {id_under(trial, schema): trial.trial_id for trial in trials}
    names = {name: sql.name(name) for name in ("trial_id", "outcome", *COLUMNS, *weak_steps.COLUMNS)}
    names |= {name: metric_of(name).column for name in metrics}
    columns = ", ".join(f"{column} AS {sql.name(name)}" for name, column in names.items())
    measure, settings = quantity_of(metrics[0]) if metrics else ("", "")
    select = f"""SELECT {columns}, {MEASURE_CODE}, {EARLIER} FROM results
        SEMI JOIN (SELECT unnest($ids) AS trial_id) USING (trial_id)
        LEFT JOIN (
            SELECT trial_id, code AS {MEASURE_CODE} FROM measures WHERE measure = $measure AND settings = $settings
        ) USING (trial_id)
        LEFT JOIN (
            SELECT trial_id, count(*) AS {EARLIER} FROM attempts WHERE superseded AND outcome = 'done' GROUP BY trial_id
        ) USING (trial_id)"""
    with connect(stores, ["results", "measures"], only=by_id.keys(), measures=metrics) as connection:
        answer = connection.execute(select, {"ids": list(by_id), "measure": measure, "settings": settings})
        found = [column[0] for column in answer.description]
        rows = [dict(zip(found, row, strict=True)) for row in answer.fetchall()]
    return {by_id[row["trial_id"]]: row for row in rows}


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


def _cell(
    trials: Sequence[Trial],
    results: Mapping[str, Mapping[str, Any]],
    metric: str,
    instead: str,
    guesses: Collection[Guess],
) -> Cell:
    """The cell of trials that differ in ρ and seed alone; ρ is chosen by validation, or by `instead` without any."""
    own = [(trial, results.get(trial.trial_id, {})) for trial in trials]
    selection = selection_measure((result for _, result in own), instead)
    by_rho: dict[float | None, Runs] = {}
    for trial, result in own:
        _add(by_rho.setdefault(trial.rho, Runs(trial.rho)), trial, result, metric, selection)
    swept = tuple(sorted(by_rho.values(), key=lambda runs: runs.rho or 0.0))
    decision = decide(selection, [runs.candidate for runs in swept])
    chosen = next(runs for runs in swept if (runs.rho or 0.0) == decision.chosen.rho)
    first = trials[0]
    guessed = (first.dataset, first.model, first.variant, first.scope, chosen.rho) in guesses
    return Cell(first, swept, chosen, metric_of(selection), decision, guessed)
