"""Choose: the best ρ of a search, by the mean over seeds of a measure, read from the store.

Nothing is chosen while a trial of the group may still get a result. Trials that failed or were pruned won't: a ρ
with fewer finished seeds than others is left out, and that is said. Of equal means the smaller ρ is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from bench.board.metric import metric_of
from bench.spec import Sweep, Verdict
from bench.spec.choose import Candidate
from bench.store import Readable, State, connect, sql, states
from bench.trial import Trial

VALIDATION = "val_accuracy"
"""What ρ is chosen by where the data has a validation split."""

DEFAULT = "test_accuracy"
"""What it is chosen by where it has none, as in the paper."""

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
            self._found[search.file, by] = self._look(search, [by] if by else [VALIDATION, DEFAULT])
        found = self._found[search.file, by]
        twins = [twin for trial in trials if (twin := found.twins.get(trial.trial_id))]
        run = list({twin.trial_id: twin for twin in twins}.values())
        by = by or _default(found.results.get(trial.trial_id, {}) for trial in run)
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
        return _decide(by, run, values)

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
"""Where a trial stands that won't get another result."""


def _default(rows: Iterable[Mapping[str, Any]]) -> str:
    return VALIDATION if any(row.get(VALIDATION) is not None for row in rows) else DEFAULT


def _decide(by: str, trials: Sequence[Trial], values: Mapping[str, float | None]) -> Verdict:
    """The best mean among the ρ with the most finished seeds."""
    candidates = tuple(_candidate(rho, trials, values) for rho in sorted({trial.rho or 0.0 for trial in trials}))
    most = max(each.n for each in candidates)
    means = {each.rho: each.mean for each in candidates if each.n == most and each.mean is not None}
    best = max(means.values(), key=metric_of(by).gain)
    equal = [rho for rho, mean in means.items() if mean == best]
    remarks = [
        f"ρ {each.rho:g} left out: {each.n} of {each.expected} seeds have a result"
        for each in candidates
        if each.n < most
    ]
    chosen = next(each for each in candidates if each.rho == equal[0])
    if chosen.n < chosen.expected:
        remarks.append(f"{chosen.expected - chosen.n} of {chosen.expected} seeds have no result")
    if len(equal) > 1:
        remarks.append(f"a tie with {', '.join(f'{rho:g}' for rho in equal[1:])}: the smallest ρ is taken")
    return Verdict(by=by, candidates=candidates, chosen=chosen, remarks=tuple(remarks))


def _candidate(rho: float, trials: Sequence[Trial], values: Mapping[str, float | None]) -> Candidate:
    own = [trial for trial in trials if trial.rho == rho]
    found = [value for trial in own if (value := values.get(trial.trial_id)) is not None]
    return Candidate(rho=rho, mean=fmean(found) if found else None, n=len(found), expected=len(own))


def _nothing(by: str, problem: str) -> Verdict:
    return Verdict(by=by, candidates=(), chosen=None, problem=problem)
