"""torchrun: the processes that train one trial together, on one machine or on several, by one torchrun per machine.

The worker keeps the claim and writes the record; the processes train. They talk through files of the attempt,
which every machine sees: `N.stop` asks them to stop, `N.report` says how it went, and the first process to fail
leaves its error in `N.failure` and its traceback in the trial's log.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bench.errors import MachineFault
from bench.store import Claim, Outcome, files
from bench.train.training import Stopped
from cluster.job import Job
from cluster.scratch import unwritable
from cluster.work.environment import code_environment
from cluster.work.stopping import mark_for_ranks

JOB = "SAMBENCH_JOB"
"""Variable by which the processes are told their job."""
_POLL = 0.2
"""Seconds between two looks at the processes."""
_PATIENCE = 120.0
"""Seconds that they have from a stop to their end."""
_PR_SET_PDEATHSIG = 1
_PROBE = 64 * 1024
"""Bytes that torchrun and a process's report take at most."""


class Failed(Exception):
    """A process failed; its class and its words."""

    def __init__(self, outcome: Outcome, message: str) -> None:
        super().__init__(message)
        self.outcome, self.message = outcome, message


@dataclass(frozen=True, kw_only=True)
class Ranks:
    """How a launcher has the processes of a trial started."""

    per_node: int = 1
    prefix: tuple[str, ...] = ()
    """Command that runs what follows it once on each node; nothing on a single machine."""

    def world_size(self, job: Job) -> int:
        """Processes that train a trial together."""
        return self.per_node * job.resources.nodes


ALONE = Ranks()
"""The worker itself trains."""


def run_ranks(claim: Claim, job: Job, ranks: Ranks, stop: Callable[[], bool]) -> tuple[dict[str, Any], float | None]:
    """Train the claimed trial in processes; what the record says, and the quality. Failed or Stopped otherwise."""
    folder, number = claim.folder, claim.number
    with files.open_log(folder.log) as log:
        process = subprocess.Popen(
            _command(claim, job, ranks),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=_environment(job),
            start_new_session=True,
            preexec_fn=die_with_parent,
        )
        try:
            _wait(process, claim, stop)
        finally:
            _kill(process)
    if folder.failure(number).exists():
        failure = json.loads(folder.failure(number).read_text(encoding="utf-8"))
        if failure.get("machine"):
            raise MachineFault(failure["message"])
        raise Failed(failure["outcome"], f"process {failure['rank']} of {ranks.world_size(job)}: {failure['message']}")
    if not folder.report(number).exists():
        _look_for_fault(claim)
        raise Failed("crashed", f"torchrun ended with code {process.returncode} and no report; see the log")
    report = json.loads(folder.report(number).read_text(encoding="utf-8"))
    if report["stopped"]:
        raise Stopped(report["stopped"])
    return report["facts"], report["quality"]


def _look_for_fault(claim: Claim) -> None:
    """MachineFault if the processes may have ended without a word because there was nowhere to write one."""
    if claim.folder.interrupted(claim.number).exists():
        raise MachineFault(f"{claim.folder.path}: the trial's processes could not write there")
    for folder in (str(claim.folder.attempts), tempfile.gettempdir()):
        if fault := unwritable(folder, _PROBE):
            raise MachineFault(fault)


def die_with_parent() -> None:
    """Let the kernel kill this process when the one that started it dies, however that is killed."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _command(claim: Claim, job: Job, ranks: Ranks) -> list[str]:
    meeting = ["--standalone"]
    if job.resources.nodes > 1:
        endpoint = f"{socket.gethostname()}:{_free_port()}"
        meeting = ["--rdzv-backend=c10d", f"--rdzv-endpoint={endpoint}", f"--rdzv-id={claim.folder.trial_id}"]
    return [
        *ranks.prefix, sys.executable, "-m", "torch.distributed.run", f"--nnodes={job.resources.nodes}",
        f"--nproc-per-node={ranks.per_node}", "--max-restarts=0", *meeting,
        "-m", "cluster.work.rank", str(claim.folder.path), str(claim.number),
    ]  # fmt: skip


def _environment(job: Job) -> dict[str, str]:
    return {
        **os.environ,
        **code_environment(),
        # Not an argument, which everybody on the machine could read.
        JOB: json.dumps(job.as_dict()),
        # torchrun says on every start that it sets this, unless it is set.
        "OMP_NUM_THREADS": str(job.resources.cpus),
        "PYTHONUNBUFFERED": "1",
    }


def _wait(process: subprocess.Popen[bytes], claim: Claim, stop: Callable[[], bool]) -> None:
    """Until the processes are through: pass a stop on, and end them if the trial is no longer ours."""
    deadline: float | None = None
    while process.poll() is None:
        time.sleep(_POLL)
        claim.verify()
        if deadline is None and stop():
            mark_for_ranks(claim.folder, claim.number)
            deadline = time.monotonic() + _PATIENCE
        if deadline is not None and time.monotonic() > deadline:
            raise Failed("crashed", f"still running {_PATIENCE:g} s after it was asked to stop")


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End torchrun and its processes, which share a session."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("", 0))
        return int(probe.getsockname()[1])
