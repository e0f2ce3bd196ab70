"""Chooser: the best ρ of a search, from the results in the store, by the rule of `bench.board.choice`.

Nothing is chosen while a trial of the group may still get a result. Trials that failed or were pruned won't.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from bench import tasks
from bench.board.choice import DEFAULT, VALIDATION, decide, selection_measure
from bench.store import Readable, State, connect, sql, states
from bench.sweep import Sweep, Verdict
from bench.sweep.choose import Candidate
from bench.trial import Trial

Twins = Callable[[Sequence[Trial]], Mapping[str, Trial]]
"""Id of a trial of the file → the trial that runs in its place; those that are left out have none."""


@dataclass(frozen=True)
class _Found:
    """What the store has of one search."""

    twins: Mapping[str, Trial]
    states: Mapping[str, State]
    results: Mapping[str, Mapping[str, Any]]
    """Measures by trial id."""


class StoreChooser:
    """Chooses by the results in one store or several, or waits for all of them where there is no store yet."""

    def __init__(self, stores: Readable, twins: Twins | None = None) -> None:
        self._stores = stores
        self._twins = twins or (lambda trials: {trial.trial_id: trial for trial in trials})
        self._found: dict[tuple[Path, str | None], _Found] = {}

    def __call__(self, search: Sweep, trials: Sequence[Trial], by: str | None) -> Verdict:
        """The verdict on trials that differ in ρ and seed alone."""
        if (search.file, by) not in self._found:
            self._found[search.file, by] = self._look(search, [by] if by else [*VALIDATION, *DEFAULT])
        found = self._found[search.file, by]
        twins = [twin for trial in trials if (twin := found.twins.get(trial.trial_id))]
        run = list({twin.trial_id: twin for twin in twins}.values())
        results = [found.results.get(trial.trial_id, {}) for trial in run]
        by = by or selection_measure(results, tasks.of_trial(trials[0]).measure)
        missing = tuple(trial for trial in run if found.states[trial.trial_id].status not in _OVER)
        if missing:
            return Verdict(by=by, candidates=(), chosen=None, missing=missing)
        done = [trial for trial in run if found.states[trial.trial_id].status == "done"]
        values = {trial.trial_id: found.results.get(trial.trial_id, {}).get(by) for trial in done}
        unmeasured = sum(value is None for value in values.values())
        if not done:
            return _nothing(by, f"all {len(run)} trials failed, so there is no ρ to choose")
        if unmeasured:
            return _nothing(by, f"{unmeasured} of {len(done)} finished trials have no {by}; choose by another measure")
        rhos = sorted({trial.rho or 0.0 for trial in run})
        candidates = tuple(_candidate(rho, run, values) for rho in rhos)
        decision = decide(by, candidates)
        return Verdict(by=by, candidates=candidates, chosen=decision.chosen, remarks=decision.remarks)

    def _look(self, search: Sweep, measures: Sequence[str]) -> _Found:
        twins = self._twins(search.trials)
        ids = list({twin.trial_id for twin in twins.values()})
        if not self._stores:
            return _Found(twins, dict.fromkeys(ids, State(status="missing")), {})
        found = states(self._stores, ids, search.retries, prunes=search.early_stopping is not None)
        return _Found(twins, found, _results(self._stores, ids, measures))


def _results(stores: Readable, ids: Sequence[str], measures: Iterable[str]) -> dict[str, dict[str, Any]]:
    names = ["trial_id", *dict.fromkeys(measures)]
    columns = ", ".join(map(sql.name, names))
    with connect(stores, ["results"], measures=names) as connection:
        rows = connection.execute(
            f"SELECT {columns} FROM results SEMI JOIN (SELECT unnest($ids) AS trial_id) USING (trial_id)", {"ids": ids}
        ).fetchall()
    return {row[0]: dict(zip(names, row, strict=True)) for row in rows}


_OVER = ("done", "failed", "pruned")
"""States of a trial that won't get another result."""


def _candidate(rho: float, trials: Sequence[Trial], values: Mapping[str, float | None]) -> Candidate:
    own = [trial for trial in trials if trial.rho == rho]
    found = [value for trial in own if (value := values.get(trial.trial_id)) is not None]
    return Candidate(rho=rho, mean=fmean(found) if found else None, n=len(found), expected=len(own))


def _nothing(by: str, problem: str) -> Verdict:
    return Verdict(by=by, candidates=(), chosen=None, problem=problem)
