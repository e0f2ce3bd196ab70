"""Launcher `inline`: trials trained, or models measured, one after another in this process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bench.measures.names import Measure
from bench.resources import Resources
from cluster.job import Job, Todo
from cluster.launcher import Launcher, LaunchError
from cluster.measuring import Taken
from cluster.progress import Progress
from cluster.report import Listener
from cluster.work.environment import apply_here


def _gpus(resources: Resources) -> int:
    """GPUs of this machine that a trial gets; LaunchError if it asks for more than there are."""
    import torch

    if resources.nodes > 1:
        raise LaunchError("several nodes are asked for and this is one machine; run the sweep --on slurm or ray")
    there = torch.cuda.device_count()
    wanted = min(there, 1) if resources.gpus == "auto" else resources.gpus
    if wanted > there:
        raise LaunchError(f"{wanted} GPUs asked for and {there} there; set resources: {{gpus: auto}} or 0")
    return wanted


class InlineLauncher(Launcher):
    """Runs each trial where the command runs: no scheduler, and a debugger works."""

    def launch(self, job: Job, todo: Todo, progress: Progress | None) -> None:
        """Run every trial of `todo` once."""
        assert progress is not None, "trials run while the driver waits"
        apply_here(job.resources.cpus)
        # Not before: torch reads the environment when it is imported.
        from cluster.work.torchrun import Ranks
        from cluster.work.worker import run_trial

        ranks = Ranks(per_node=job.resources.processes_per_node(_gpus(job.resources)))
        for trial_id, seen in todo.trials.items():
            progress.started(trial_id)
            report = run_trial(job, trial_id, seen=seen, ranks=ranks, listener=Listener(on_batch=progress.at))
            progress.finished(report)


def measure(job: Job, tasks: Mapping[str, tuple[Measure, ...]]) -> Iterator[Taken]:
    """See `Measurer`."""
    apply_here(job.resources.cpus)
    # Not before: torch reads the environment when it is imported.
    from cluster.work.measure_worker import measure_trial

    for trial_id, measures in tasks.items():
        yield from measure_trial(job, trial_id, measures)
