"""Worker: claim a trial, run it, record how it went. The same code under every launcher."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import torch

from bench import checkpoint, distributed, provenance
from bench.store import Attempt, Claim, ClaimLost, Outcome, Store, TrialFolder, acquire
from bench.store.results import write_history, write_measures
from bench.train import Diverged, Training, train
from cluster.progress import OnBatch, Report
from cluster.tensorboard import write as write_tensorboard


def run_trial(
    store: Store,
    trial_id: str,
    *,
    launcher: str,
    threads: int,
    seen: int = 0,
    tensorboard: bool = False,
    on_batch: OnBatch | None = None,
) -> Report:
    """Run one trial to its end in this process and record the attempt, whatever happens.

    Held by another worker, or done meanwhile: nothing is run, and the report says so. An interrupt is recorded
    as a preemption and raised again.
    """
    folder = store.folder(trial_id)
    started = time.perf_counter()
    claim = acquire(store, folder, launcher, seen=seen)
    if claim is None:
        return Report(trial_id=trial_id, outcome="held")
    try:
        return _Attempt(claim, launcher, threads, started, tensorboard, on_batch).run()
    except ClaimLost as lost:
        return Report(trial_id=trial_id, outcome="held", message=str(lost))
    finally:
        claim.abandon()


@dataclass
class _Attempt:
    """One attempt at work: what it knows when it comes to be recorded."""

    claim: Claim
    launcher: str
    threads: int
    started: float
    tensorboard: bool = False
    on_batch: OnBatch | None = None
    training: Training | None = None
    first_epoch: int | None = None

    def run(self) -> Report:
        folder = self.claim.folder
        began = datetime.now(UTC)
        torch.set_num_threads(self.threads)
        provenance.reset_peak_memory()
        outcome: Outcome = "done"
        message = ""
        with _log(folder) as log:
            log.info("attempt %d on %s, process %d", self.claim.number, socket.gethostname(), os.getpid())
            try:
                self._train(log)
            except ClaimLost:
                log.warning("another worker took this trial over; this attempt stops")
                raise
            except KeyboardInterrupt:
                log.info("interrupted; the next attempt goes on from the last epoch")
                self._end("preempted", "interrupted", began)
                raise
            except Exception as error:
                outcome, message = classify(error), _last_line(error)
                log.exception("attempt %d: %s", self.claim.number, outcome)
            self._end(outcome, message, began)
            log.info("attempt %d: %s", self.claim.number, outcome)
        return self._report(outcome, message)

    def _train(self, log: logging.Logger) -> None:
        folder = self.claim.folder
        for leftover in folder.path.glob(".tmp-*"):
            leftover.unlink()
        device = distributed.device()
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        self.training = Training(folder.read_trial(), device)
        self.training.on_batch = self.on_batch
        self._resume(log)
        train(self.training, lambda training: self._keep(training, log))
        self.claim.verify()
        checkpoint.save_weights(folder.weights, self.training.model)
        write_measures(folder, self.training.measure())

    def _resume(self, log: logging.Logger) -> None:
        assert self.training is not None
        path = self.claim.folder.checkpoint
        self.first_epoch = 0
        try:
            state = checkpoint.load(path)
        except checkpoint.DamagedCheckpoint as error:
            os.replace(path, path.with_suffix(".pt.damaged"))
            log.warning("%s; set aside as %s.damaged, training starts again", error, path.name)
            return
        if state is not None:
            self.training.load_state_dict(state)
            self.first_epoch = self.training.epochs_done
            log.info("resuming after epoch %d", self.first_epoch)

    def _keep(self, training: Training, log: logging.Logger) -> None:
        """After each epoch: make sure that the trial is still ours, and let nothing of the epoch be lost."""
        self.claim.verify()
        folder = self.claim.folder
        checkpoint.save(folder.checkpoint, training.state_dict())
        if self.tensorboard:
            write_tensorboard(folder.tensorboard, training.history)
        row = training.history[-1]
        log.info(
            "epoch %d/%d: train loss %.4f, test accuracy %.2f %%, %.2f s",
            row["epoch"],
            training.trial.total_epochs,
            row["train_loss"],
            row["test_accuracy"],
            row["seconds"],
        )

    def _end(self, outcome: Outcome, message: str, began: datetime) -> None:
        folder, training = self.claim.folder, self.training
        self.claim.verify()
        if training and training.history:
            write_history(folder, training.history)
        self.claim.end(
            Attempt(
                trial_id=folder.trial_id,
                attempt=self.claim.number,
                outcome=outcome,
                message=message,
                started=began,
                ended=datetime.now(UTC),
                wall_s=time.perf_counter() - self.started,
                first_epoch=self.first_epoch,
                launcher=self.launcher,
                host=socket.gethostname(),
                pid=os.getpid(),
                threads=self.threads,
                peak_memory_bytes=provenance.peak_memory(),
                **_of_training(training, self.first_epoch),
                **provenance.code(),
            )
        )
        if outcome == "done":
            with suppress(FileNotFoundError):
                folder.checkpoint.unlink()

    def _report(self, outcome: Outcome, message: str) -> Report:
        last = self.training.history[-1] if self.training and self.training.history else {}
        return Report(
            trial_id=self.claim.folder.trial_id,
            outcome=outcome,
            message=message,
            accuracy=last.get("val_accuracy", last.get("test_accuracy")),
            wall_s=time.perf_counter() - self.started,
        )


def classify(error: Exception) -> Outcome:
    """The failure class of an exception."""
    if isinstance(error, Diverged):
        return "diverged"
    if isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in str(error):
        return "oom"
    return "error"


def _of_training(training: Training | None, first_epoch: int | None) -> dict[str, Any]:
    if training is None:
        return {}
    on_gpu = training.device.type == "cuda"
    return {
        "train_s": sum(row["seconds"] for row in training.history[first_epoch or 0 :]),
        "epochs": training.epochs_done,
        **training.step_counts,
        "device": distributed.describe(training.device),
        "device_type": training.device.type,
        "peak_device_memory_bytes": torch.cuda.max_memory_allocated(training.device) if on_gpu else None,
        "cuda": torch.version.cuda if on_gpu else None,
    }


def _last_line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".strip().splitlines()[0]


@contextmanager
def _log(folder: TrialFolder) -> Iterator[logging.Logger]:
    """A logger that appends to the trial's log."""
    handler = logging.FileHandler(folder.log, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger = logging.getLogger(f"sambench.trial.{folder.trial_id}")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(handler)
    try:
        yield logger
    finally:
        logger.removeHandler(handler)
        handler.close()
