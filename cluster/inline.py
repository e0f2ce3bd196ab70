"""inline: trials one after another in this process."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from bench.store import Store
from cluster.environment import apply_here
from cluster.launcher import Job
from cluster.progress import Progress


class InlineLauncher:
    """Runs each trial where the command runs: no scheduler, and a debugger works."""

    def __enter__(self) -> Self:
        return self

    def launch(self, job: Job, progress: Progress) -> None:
        """Run every trial of `job` once."""
        apply_here(job.resources.cpus)
        # Not before: torch reads the environment when it is imported.
        from cluster.worker import run_trial

        store = Store.open(job.store)
        for trial_id, seen in job.trials.items():
            progress.started(trial_id)
            report = run_trial(
                store,
                trial_id,
                launcher="inline",
                threads=job.resources.cpus,
                seen=seen,
                tensorboard=job.tensorboard,
                on_batch=progress.at,
            )
            progress.finished(report)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        return None
