"""Prune: stop trials of a search whose quality falls behind, by Ray Tune's successive halving (ASHA).

Tune would end the worker at once. Here the scheduler only marks the attempt: its worker records it as pruned and
reports like any other, so that the checkpoint stays good for a later sweep that wants the trial to its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from ray.tune.experiment import Trial as TuneTrial
from ray.tune.schedulers import ASHAScheduler

from bench.resources import EarlyStopping
from bench.store import Store, connect
from cluster.job import Job, Todo
from cluster.work.stopping import ask_to_stop


def make_scheduler(job: Job, todo: Todo) -> ASHAScheduler | None:
    """The scheduler of a job that stops trials early; None for one that doesn't."""
    return None if job.early_stopping is None else Pruning(job.early_stopping, Store.open(job.store), todo)


class Pruning(ASHAScheduler):
    """Compares each trial with those of the sweep that came as far, those of earlier runs included."""

    def __init__(self, rule: EarlyStopping, store: Store, todo: Todo) -> None:
        self._rule, self._store = rule, store
        self._pruned: set[str] = set()
        folders = [self._store.folder(trial_id) for trial_id in (*todo.trials, *todo.over)]
        longest = max(folder.read_trial().total_epochs for folder in folders)
        super().__init__(
            time_attr="epoch",
            metric=rule.metric,
            mode="max",
            max_t=max(longest, rule.grace_epochs),
            grace_period=rule.grace_epochs,
            reduction_factor=rule.reduction,
            stop_last_trials=False,
        )
        for trial_id, results in self._histories(todo.over).items():
            self._recall(trial_id, results)

    def on_trial_result(self, tune_controller: Any, trial: TuneTrial, result: dict[str, Any]) -> str:
        """Always to go on: whoever is pruned says so himself at his end."""
        if trial.trial_id in self._pruned:
            return self.CONTINUE
        if super().on_trial_result(tune_controller, trial, result) == self.STOP:
            self._pruned.add(trial.trial_id)
            metric, epoch = self._rule.metric, result["epoch"]
            told = f"stopped early: {metric} {result[metric]:.2f} after epoch {epoch} is behind that of other trials"
            ask_to_stop(self._store.folder(trial.config["task"][0]), "pruned", told)
        return self.CONTINUE

    def _histories(self, trial_ids: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
        """The results of trials that are over, in the order of their epochs, compacted ones too."""
        metric = self._rule.metric
        found: dict[str, list[dict[str, Any]]] = {}
        with connect(self._store, ["history"], only=trial_ids) as connection:
            select = f"SELECT trial_id, epoch, {metric} FROM history WHERE {metric} IS NOT NULL ORDER BY epoch"
            for trial_id, epoch, value in connection.execute(select).fetchall():
                found.setdefault(trial_id, []).append({"epoch": epoch, metric: value})
        return found

    def _recall(self, trial_id: str, results: Sequence[dict[str, Any]]) -> None:
        """Let the history of a trial that is over count as if it had run just now."""
        # Of a trial the scheduler asks no more than its id, and of Tune nothing.
        tune: Any = None
        earlier: Any = SimpleNamespace(trial_id=f"earlier-{trial_id}")
        self.on_trial_add(tune, earlier)
        for result in results:
            super().on_trial_result(tune, earlier, result)
