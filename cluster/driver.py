"""Driver: launch what is missing of a set of trials, until all are done or failed.

The store decides what is missing, not the driver's memory: a driver may be killed and started again, and
several may work on one sweep.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from statistics import median

from rich.console import Console

from bench import tasks
from bench.errors import MachineFault, counted
from bench.estimate import kind, measured
from bench.store import Outcome, State, Store, StoreError, close_dead, states
from bench.store.claims.claim import last_number
from bench.trial import Trial
from cluster.compacting import compacting
from cluster.job import Job, Todo
from cluster.launcher import LAUNCHERS, TRIES, Launcher, LaunchError
from cluster.progress import Progress

POLL_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class Drive:
    """One `run` of a sweep's trials."""

    job: Job
    trials: Sequence[Trial]
    console: Console
    retry_failed: bool = False

    def run(self) -> dict[str, State]:
        """Work until nothing is missing; returns how every trial stands. An interrupt is passed on."""
        with compacting(self._store):
            return self._run()

    def _run(self) -> dict[str, State]:
        self._store.add(self.trials)
        for trial in self.trials:
            # Of a done trial that is somebody else's there is nothing to take back.
            with suppress(PermissionError):
                self._store.folder(trial.trial_id).cancelled.unlink(missing_ok=True)
        found = self._states()
        todo = self._todo(found, retry=self.retry_failed)
        counts = Counter(state.status for state in found.values())
        if not todo.trials and not _running(found):
            return found
        entry = LAUNCHERS[self.job.launcher]
        launcher: Launcher = entry.load()()
        if entry.queues:
            with launcher:
                launcher.launch(self.job, todo, None)
            return found
        labels = {trial.trial_id: trial.label for trial in self.trials}
        with Progress(
            self.console,
            labels,
            done=counts["done"],
            pruned=counts["pruned"],
            store=self._store,
            expected=self._expected(todo),
            unit=self._unit(),
        ) as progress:
            try:
                with launcher:
                    self._rounds(launcher, todo, progress)
            except (KeyboardInterrupt, MachineFault):
                # On a machine that fails, as far as that goes.
                with suppress(OSError, StoreError):
                    self._close_dead("preempted")
                raise
        return self._states()

    def todo(self) -> Todo:
        """What is to be run now."""
        return self._todo(self._states(), retry=self.retry_failed)

    def _rounds(self, launcher: Launcher, todo: Todo, progress: Progress) -> None:
        """Launch again what crashed, and wait for what other drivers hold, in case they die.

        LaunchError if, several times in a row, no worker so much as claimed a trial.
        """
        in_vain = 0
        while True:
            before = todo
            if todo.trials:
                launcher.launch(self.job, todo, progress)
                self._close_dead("crashed")
            found = self._states()
            todo = self._todo(found, retry=False)
            if not todo.trials and not _running(found):
                return
            in_vain = in_vain + 1 if todo.trials and todo.trials.items() <= before.trials.items() else 0
            if in_vain == TRIES:
                raise LaunchError(f"{counted(len(todo.trials), 'trial')} could not be started: {progress.last_failure}")
            if not todo.trials or in_vain:
                time.sleep(POLL_SECONDS)

    def _expected(self, todo: Todo) -> dict[str, float]:
        """Seconds of the trials of whose kind the store has times."""
        paces = measured(self._store)
        left = [trial for trial in self.trials if trial.trial_id in todo.trials]
        known = {trial.trial_id: (paces.get(kind(trial)), trial.total_epochs) for trial in left}
        return {trial_id: pace.seconds * epochs for trial_id, (pace, epochs) in known.items() if pace}

    def _unit(self) -> str | None:
        """Of the trials' quality; None where they are judged by different ones."""
        found = {(task.quality, task.unit) for task in tasks.of_trials(self.trials)}
        return found.pop()[1] if len(found) == 1 else None

    @property
    def _store(self) -> Store:
        return Store(self.job.store)

    def _states(self) -> dict[str, State]:
        ids = [trial.trial_id for trial in self.trials]
        return states(self._store, ids, self.job.retries, prunes=self.job.early_stopping is not None)

    def _todo(self, found: Mapping[str, State], *, retry: bool) -> Todo:
        wanted = ("missing", "failed") if retry else ("missing",)
        times = [state.wall_s for state in found.values() if state.status == "done" and state.wall_s]
        return Todo(
            trials={trial_id: state.attempts for trial_id, state in found.items() if state.status in wanted},
            over=tuple(trial_id for trial_id, state in found.items() if state.status in ("done", "pruned")),
            seconds_per_trial=median(times) if times else None,
        )

    def _close_dead(self, outcome: Outcome) -> None:
        """Record the attempts that dead workers left open."""
        for trial in self.trials:
            folder = self._store.folder(trial.trial_id)
            number = last_number(folder)
            if number and not folder.attempt(number).exists():
                close_dead(self._store, folder, number, outcome)


def _running(found: Mapping[str, State]) -> bool:
    return any(state.status == "running" for state in found.values())
