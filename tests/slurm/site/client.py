"""SLURM's commands, talking to one cluster."""

from __future__ import annotations

import os
import subprocess
import time

from tests.shared.timing import patience as stretched
from tests.slurm.site.daemons import PATH
from tests.slurm.site.layout import Layout
from tests.slurm.site.processes import eventually


class Client:
    """What a user of the cluster can do."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout

    @property
    def environment(self) -> dict[str, str]:
        """What SLURM's commands need in their environment to talk to this cluster."""
        return {"SLURM_CONF": str(self.layout.slurm)}

    def run(self, *command: str, check: bool = True, patience: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a command with the cluster's environment."""
        environment = {**os.environ, "PATH": PATH, **self.environment}
        limit = stretched(patience)
        answer = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=limit, check=False)
        if check and answer.returncode:
            raise RuntimeError(f"{' '.join(command)}: {answer.stdout}{answer.stderr}")
        return answer

    def sinfo(self) -> dict[str, str]:
        """The state of each node, as `idle`, `mixed`, `allocated`, `down`; with a `*` if it doesn't respond."""
        lines = self.run("sinfo", "--noheader", "--Node", "--partition=main", "--format=%N %T").stdout.splitlines()
        return dict(line.split() for line in lines)

    def wait_until_idle(self, *, patience: float = 60) -> None:
        """Wait until there are no jobs and every node is idle."""

        def idle() -> bool:
            return not self.run("squeue", "--noheader").stdout and set(self.sinfo().values()) == {"idle"}

        if not eventually(idle, patience, pause=0.2):
            raise TimeoutError(f"not idle after {patience:g} s: {self.sinfo()}\n{self.run('squeue').stdout}")

    def wait_until_saved(self, job: str, *, patience: float = 30) -> None:
        """Wait until slurmctld has its state on disk: it writes seconds after a change, and SIGKILL loses the rest."""
        start = time.time()
        # A change makes sure that there is something to write after now.
        self.run("scontrol", "update", f"JobId={job}", f"Comment={start}")
        file = self.layout.controller / "job_state"
        if not eventually(lambda: file.exists() and file.stat().st_mtime > start, patience):
            raise TimeoutError(f"slurmctld has not saved its state after {patience:g} s")

    def release(self, job: str) -> None:
        """Let a requeued job start now, not only after the delay that SLURM gives it."""
        self.run("scontrol", "update", f"JobId={job}", "StartTime=now")
