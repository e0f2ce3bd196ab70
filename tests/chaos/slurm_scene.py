"""SLURM scene: job arrays on a real cluster of two nodes, whose daemons, job steps and workers are killed."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from tests.chaos.command import environment
from tests.chaos.processes import descendants, title
from tests.chaos.tally import Tally
from tests.chaos.trained_scene import Trained
from tests.chaos.truth import Truth
from tests.conftest import ROOT
from tests.slurm.site.cluster import Cluster
from tests.slurm.site.processes import Process

ROLES = {
    "srun": "srun ",
    "worker": "on_slurm/start.py",
    "step": "slurmstepd",
    "script": "slurm_script",
    "slurmd": "slurmd -D",
}
"""Role → what its command line has; srun's own has the worker's in it."""
WEIGHTS = {"worker": 6}
"""How much more often a role is disturbed than the others."""
_LOOK = 5.0
"""Seconds between two looks at the queue and the nodes."""


class Slurm(Trained):
    """The sweep is submitted again from time to time; requeued jobs start at once; dead daemons are started again."""

    kind = "slurm"
    pause = 3.0
    calm = 480.0

    def __init__(self, folder: Path, truth: Truth, seed: int, tally: Tally, *, drivers: int) -> None:
        super().__init__(folder, truth, seed, tally, drivers=1)
        self.cluster = Cluster(folder / "cluster", grace=10, kill_wait=5, requeue_delay=5, max_array=21)
        self.next_look = 0.0
        self.next_submission = 0.0

    def begin(self) -> None:
        """Bring the cluster up."""
        self.cluster.up()

    def staff(self) -> None:
        """Keep every role filled, and the cluster whole."""
        super().staff()
        if time.monotonic() < self.next_look:
            return
        for daemon in self.cluster.daemons.values():
            if not daemon.alive:
                # A daemon that starts waits for its jobs' processes to answer, and this one for the daemon.
                self.wake()
                daemon.start()
        for node, state in self.cluster.sinfo().items():
            if state.startswith(("down", "drain")):
                self.cluster.run("scontrol", "update", f"NodeName={node}", "State=RESUME", check=False)
        waiting = self.cluster.run("squeue", "--noheader", "--array", "--states=PENDING", "--format=%i %r", check=False)
        for line in waiting.stdout.splitlines():
            if line.endswith("BeginTime"):
                self.cluster.run("scontrol", "update", f"JobId={line.split()[0]}", "StartTime=now", check=False)
        self.next_look = time.monotonic() + _LOOK

    def drive(self) -> None:
        """Submit what isn't in the queue."""
        if time.monotonic() < self.next_submission:
            return
        sweep, store = str(self.truth.sweep), str(self.store)
        command = [sys.executable, "-m", "bench", "run", sweep, "--on", "slurm", "--store", store]
        around = environment(self.folder) | self.cluster.environment | {"PYTHONPATH": str(ROOT)}
        self.household.execute("driver", command, around, self.folder)
        self.next_submission = time.monotonic() + 4 * _LOOK

    def victims(self) -> list[tuple[str, Process]]:
        """One of a role that is drawn first."""
        roles = {process: _role(title(process)) for process in descendants()}
        found = [(role, process) for process, role in roles.items() if role]
        if not found:
            return []
        return self.random.choices(found, [WEIGHTS.get(role, 1) for role, _ in found])

    def end(self) -> None:
        """Also take the cluster down, with the jobs that are left."""
        super().end()
        self.cluster.down()


def _role(line: str) -> str:
    """What a process of the cluster is; empty for others."""
    return next((role for role, sign in ROLES.items() if sign in line), "")
