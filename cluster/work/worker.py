"""Worker: claim a trial, run it, record how it went. The same code under every launcher."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TextIO

import torch

from bench import provenance
from bench.errors import MachineFault, UserError, machine_fault
from bench.plugins import work_in
from bench.store import Attempt, Claim, ClaimLost, Outcome, Store, StoreError, TrialFolder, acquire, files
from bench.store.upkeep.again import clear
from bench.train.training import Stopped
from cluster.job import Job
from cluster.report import NOBODY, Listener, TrialReport
from cluster.work.session import Session, classify, in_one_line
from cluster.work.stopping import Stopping
from cluster.work.torchrun import ALONE, Failed, Ranks, run_ranks


def run_trial(
    job: Job,
    trial_id: str,
    *,
    seen: int = 0,
    ranks: Ranks = ALONE,
    stopping: Stopping | None = None,
    listener: Listener = NOBODY,
) -> TrialReport:
    """Run one trial to its end and record the attempt, whatever happens.

    Held by another worker, done meanwhile, or in a folder that isn't ours to write: nothing is run, and the report
    says so. An interrupt is recorded as a preemption and raised again; so is a MachineFault.
    """
    work_in(job.modules)
    store = Store(job.store)
    folder = store.folder(trial_id)
    started = time.perf_counter()
    try:
        claim = acquire(store, folder, job.launcher, seen=seen)
    except (StoreError, PermissionError) as error:
        # Somebody else's: the worker goes on to the next trial.
        return TrialReport(trial_id=trial_id, outcome="held", message=str(error))
    except OSError as error:
        raise MachineFault(machine_fault(error, store.root) or str(error)) from error
    if claim is None:
        return TrialReport(trial_id=trial_id, outcome="held")
    try:
        if listener.on_claim is not None:
            listener.on_claim()
        return _RunningAttempt(claim, job, ranks, stopping or Stopping(), listener, started).run()
    except ClaimLost as lost:
        return TrialReport(trial_id=trial_id, outcome="held", message=str(lost))
    finally:
        claim.abandon()


@dataclass
class _RunningAttempt:
    """One attempt at work: what it knows when it comes to be recorded."""

    claim: Claim
    job: Job
    ranks: Ranks
    stopping: Stopping
    listener: Listener
    started: float
    facts: dict[str, Any] = field(default_factory=dict)
    quality: float | None = None

    def run(self) -> TrialReport:
        began = datetime.now(UTC)
        try:
            return self._run(began)
        except ClaimLost:
            raise
        except Exception as error:
            fault = self._fault(error)
            if not fault:
                raise
            self._interrupted(fault, began)
            raise MachineFault(fault) from error

    def _run(self, began: datetime) -> TrialReport:
        torch.set_num_threads(self.job.resources.cpus)
        provenance.reset_peak_memory()
        outcome: Outcome = "done"
        message = ""
        # Of a `run --again` that was killed between its last two steps.
        clear(self.claim.folder)
        with trial_log(self.claim.folder) as log:
            log.info("attempt %d on %s, process %d", self.claim.number, socket.gethostname(), os.getpid())
            try:
                self._train(log)
            except ClaimLost:
                log.warning("another worker took this trial over; this attempt stops")
                raise
            except KeyboardInterrupt:
                log.info("interrupted; the next attempt goes on from the last checkpoint")
                self._end("preempted", "interrupted", began)
                raise
            except Stopped:
                outcome, message = self._why_stopped()
            except Failed as failed:
                outcome, message = failed.outcome, failed.message
            except Exception as error:
                if self._fault(error):
                    raise
                outcome, message = classify(error), in_one_line(error)
                # Where a sentence says it all, the way there would only hide it.
                log.error("attempt %d: %s", self.claim.number, outcome, exc_info=not isinstance(error, UserError))
            self._end(outcome, message, began)
            log.info("attempt %d: %s %s", self.claim.number, outcome, message)
        return TrialReport(
            trial_id=self.claim.folder.trial_id,
            outcome=outcome,
            message=message,
            quality=self.quality,
        )

    def _train(self, log: logging.Logger) -> None:
        for leftover in self.claim.folder.path.glob(".tmp-*"):
            leftover.unlink(missing_ok=True)
        if self.ranks.world_size(self.job) > 1:
            self.facts, self.quality = run_ranks(self.claim, self.job, self.ranks, self._stop)
            return
        session = Session(self.job, self.claim.folder, log, self.claim.verify, self._stop, self.listener)
        try:
            session.run()
        finally:
            self.facts, self.quality = session.facts(), session.last_quality()

    def _fault(self, error: BaseException) -> str:
        """What the machine failed at, if it is at fault; ClaimLost if the trial was only taken from us."""
        try:
            self.claim.verify()
        except OSError as away:
            error = away
        return machine_fault(error, self.claim.folder.root)

    def _interrupted(self, fault: str, began: datetime) -> None:
        try:
            self._end("preempted", fault, began)
        except OSError:
            self.claim.interrupt()

    def _stop(self) -> bool:
        return self.stopping.requested or self.claim.cancelled.is_set()

    def _why_stopped(self) -> tuple[Outcome, str]:
        if self.stopping.requested:
            return self.stopping.outcome, self.stopping.message
        return "preempted", "cancelled"

    def _end(self, outcome: Outcome, message: str, began: datetime) -> None:
        folder = self.claim.folder
        self.claim.verify()
        self.claim.end(
            Attempt(
                trial_id=folder.trial_id,
                attempt=self.claim.number,
                outcome=outcome,
                message=message,
                started=began,
                ended=datetime.now(UTC),
                wall_s=time.perf_counter() - self.started,
                launcher=self.job.launcher,
                host=socket.gethostname(),
                pid=os.getpid(),
                threads=self.job.resources.cpus,
                peak_memory_bytes=provenance.peak_memory(),
                **self.facts,
                **provenance.code(),
            )
        )
        if outcome == "done":
            for superfluous in (folder.checkpoint, folder.progress):
                superfluous.unlink(missing_ok=True)


class _LogFile(logging.StreamHandler[TextIO]):
    """Loses lines where there is no space for them: the trial's record says why it ended."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        return None


@contextmanager
def _told_of_models(handler: logging.Handler) -> Iterator[None]:
    """Let the log have what is said of pretrained weights, such as that a classifier starts fresh."""
    logger = logging.getLogger("bench.models")
    before = logger.level, logger.propagate
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before[0])
        logger.propagate = before[1]


@contextmanager
def trial_log(folder: TrialFolder) -> Iterator[logging.Logger]:
    """A logger that appends to the trial's log."""
    handler = _LogFile(files.open_log(folder.log))
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger = logging.getLogger(f"sambench.trial.{folder.trial_id}")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(handler)
    try:
        with _told_of_models(handler):
            yield logger
    finally:
        logger.removeHandler(handler)
        with suppress(OSError):
            handler.stream.close()
