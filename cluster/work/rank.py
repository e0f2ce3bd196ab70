"""One of the processes that train a trial together: torchrun starts `python -m cluster.work.rank FOLDER ATTEMPT`."""

from __future__ import annotations

import json
import os
import sys
from functools import partial
from pathlib import Path

import torch

from bench import distributed
from bench.errors import machine_fault
from bench.plugins import work_in
from bench.store import ClaimLost, TrialFolder, files
from bench.store.claims.claim import mark_interrupted, verify
from bench.train.training import Stopped
from cluster.job import Job
from cluster.work.session import Session, classify, in_one_line
from cluster.work.stopping import RankMark
from cluster.work.torchrun import JOB, die_with_parent
from cluster.work.worker import trial_log


def main(path: str, attempt: str) -> int:
    """Train this process's share; the exit status."""
    die_with_parent()
    folder, number = TrialFolder(Path(path)), int(attempt)
    rank = int(os.environ["RANK"])
    job = Job.from_dict(json.loads(os.environ[JOB]), folder.root)
    work_in(job.modules)
    torch.set_num_threads(job.resources.cpus)
    with trial_log(folder) as log:
        log.disabled = rank != 0
        session = Session(job, folder, log, partial(verify, folder, number), RankMark(folder, number, rank))
        stopped = ""
        try:
            with distributed.process_group():
                try:
                    session.run()
                except Stopped as reason:
                    stopped = str(reason)
                if rank == 0:
                    _report(session, number, stopped)
                # torchrun ends all when one fails, and torch may abort while it ends: not before the result is safe.
                distributed.wait_for_all(distributed.device())
        except ClaimLost:
            return 1
        except Exception as error:
            log.disabled = False
            log.exception("process %d of %s", rank, os.environ["WORLD_SIZE"])
            _leave_failure(folder, number, rank, error)
            # Others may hang in a message that this one will never send: torchrun ends them when this one is gone.
            os._exit(1)
    return 0


def _report(session: Session, number: int, stopped: str) -> None:
    report = {"stopped": stopped, "facts": session.facts(), "quality": session.last_quality()}
    files.write(session.folder.report(number), json.dumps(report).encode())


def _leave_failure(folder: TrialFolder, number: int, rank: int, error: BaseException) -> None:
    fault = machine_fault(error, folder.root)
    failure = {"rank": rank, "outcome": classify(error), "message": fault or in_one_line(error), "machine": bool(fault)}
    try:
        files.create(folder.failure(number), json.dumps(failure).encode())
    except FileExistsError:
        # The first failure is the cause; those of the others are its consequences.
        pass
    except OSError:
        mark_interrupted(folder, number)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
