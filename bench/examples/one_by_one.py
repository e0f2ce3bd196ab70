"""A launcher that runs every trial in this process; put a scheduler of your own in its place."""

from cluster.job import Job, Todo
from cluster.launcher import Launcher
from cluster.progress import Progress
from cluster.work.worker import run_trial


class OneByOne(Launcher):
    """One after another in this process."""

    def launch(self, job: Job, todo: Todo, progress: Progress | None) -> None:
        """Run every trial of `todo` once, and tell how it went."""
        for trial_id, seen in todo.trials.items():
            report = run_trial(job, trial_id, seen=seen)
            if progress is not None:
                progress.finished(report)
