"""Worker on SLURM: an array element claims trials of its share, then those of slower ones, until time is up."""

from __future__ import annotations

import os
import signal
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import torch

from bench.errors import MachineFault
from bench.store import Store
from cluster.compacting import compact_if_many
from cluster.on_slurm.exits import DONE, FAULT, GO_ON, NO_GPU
from cluster.on_slurm.queue_plan import Plan
from cluster.report import Listener
from cluster.work.stopping import Stopping, on_signals
from cluster.work.torchrun import Ranks
from cluster.work.worker import run_trial


def work_here(plan: Plan, share: int) -> int:
    """Run trials until none is left, or the job must end; the exit code, which is GO_ON if there is more to do."""
    allocation = _Allocation.here()
    wanted = int(os.environ["SAMBENCH_GPUS"])
    if wanted > torch.cuda.device_count():
        there = f"{torch.cuda.device_count()} there on {socket.gethostname()}"
        print(f"{wanted} GPUs asked for and {there}; set resources: {{gpus: 0}}, or name a partition with GPUs")
        return NO_GPU
    try:
        if _Worker(plan, share, allocation).run():
            # A job that is about to be queued again has no time left to compact.
            return GO_ON
    except MachineFault as fault:
        print(f"stopped by a fault of the machine: {fault}")
        return FAULT
    # No driver is there to do it.
    compact_if_many(Store.open(plan.job.store))
    return DONE


@dataclass(frozen=True)
class _Allocation:
    """What SLURM gave the worker to run in."""

    started: float
    minutes: int
    signal_seconds: int

    @classmethod
    def here(cls) -> _Allocation:
        """From the environment that the launcher gave to the job."""
        return cls(
            time.monotonic(),
            int(os.environ["SAMBENCH_JOB_MINUTES"]),
            int(os.environ["SAMBENCH_SIGNAL_SECONDS"]),
        )

    @property
    def seconds_left(self) -> float:
        """Until SLURM ends it; a little less, since the job began before this process."""
        return 60 * self.minutes - (time.monotonic() - self.started)


class _Worker:
    def __init__(self, plan: Plan, share: int, allocation: _Allocation) -> None:
        self._plan, self._share, self._allocation = plan, share, allocation
        self._stopping = Stopping()
        resources = plan.job.resources
        gpus = int(os.environ["SAMBENCH_GPUS"])
        self._ranks = Ranks(per_node=resources.processes_per_node(gpus), prefix=_on_every_node(resources.nodes))
        self._again = False

    def run(self) -> bool:
        """Whether the job is to go on in the queue."""
        with on_signals({signal.SIGUSR2: self._preempted, signal.SIGTERM: self._cancelled}):
            for trial_id, seen in self._plan.missing(self._share):
                if self._stopping.requested:
                    return self._again
                report = run_trial(
                    self._plan.job,
                    trial_id,
                    seen=seen,
                    ranks=self._ranks,
                    stopping=self._stopping,
                    listener=Listener(on_claim=_note_progress),
                )
                print(f"{trial_id}: {report.outcome} {report.message}", flush=True)
        return self._again

    def _preempted(self) -> None:
        """SIGUSR2: the job's time is nearly over, or another needs its place; either way it goes on later."""
        self._again = True
        over = self._allocation.seconds_left < self._allocation.signal_seconds + 60
        self._stopping.request(*(("timeout", "the job's time was over") if over else ("preempted", "by another job")))

    def _cancelled(self) -> None:
        """SIGTERM alone: someone cancelled the job, or SLURM queues it again by itself."""
        self._stopping.request("preempted", "signal SIGTERM")


def _note_progress() -> None:
    """The job is worth another try, however its workers before this one ended."""
    # Jobs of earlier versions have no such file.
    if fruitless := os.environ.get("SAMBENCH_FRUITLESS"):
        with suppress(OSError):
            Path(fruitless).unlink()


def _on_every_node(nodes: int) -> tuple[str, ...]:
    if nodes == 1:
        return ("env", "--ignore-signal=USR2,TERM")
    # Within the job's own step, and with signals left to the worker, which stops the processes by their mark.
    step = ("srun", "--export=ALL", f"--nodes={nodes}", f"--ntasks={nodes}", "--ntasks-per-node=1", "--overlap")
    return (*step, "--kill-on-bad-exit=1", "env", "--ignore-signal=USR2,TERM")
