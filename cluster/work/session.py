"""Session: train one trial from its checkpoint to the end, and store its results.

The same in a process alone and in each of several; of those, the first one writes.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

from bench import distributed, tasks
from bench.measures.outputs import of_outputs
from bench.store import Outcome, TrialFolder
from bench.store.outputs import write_outputs
from bench.store.progress import EpochProgress, write_progress
from bench.store.results import write_history, write_measures
from bench.sweep import code, plugin_use
from bench.train import checkpoint
from bench.train.training import Diverged, Stopped, Training, train
from cluster.job import Job
from cluster.report import Listener
from cluster.work.tensorboard import write as write_tensorboard


@dataclass
class Session:
    """One attempt's training."""

    job: Job
    folder: TrialFolder
    log: logging.Logger
    verify: Callable[[], None]
    """Raises ClaimLost if the trial is no longer ours; called before every write."""
    stop: Callable[[], bool]
    """Whether to stop after this step."""
    listener: Listener = field(default_factory=Listener)
    training: Training | None = None
    first_epoch: int | None = None
    """Epochs that the checkpoint it resumed from had; None before that is known."""
    parts: dict[str, str] = field(default_factory=dict)
    """Fingerprints of the code that it executes, and of what executed the epochs before."""
    plugins: dict[str, dict[str, str]] = field(default_factory=dict)
    """Where those of the trial come from."""
    saved: float = field(default_factory=time.monotonic)
    """When the newest checkpoint was written, or the session began."""

    def run(self) -> None:
        """Train, measure and keep the weights. Stopped leaves a checkpoint to go on from; so do many epochs."""
        device = distributed.device()
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        trial = self.folder.read_trial()
        # Before anything is built: what is imported from here on is what was read.
        self.parts = code.parts_of(trial)
        self.plugins = plugin_use.origins(plugin_use.named([trial]))
        training = self.training = Training(trial, device)
        training.on_batch, training.stop = self.listener.on_batch, self.stop
        self._resume(training)
        try:
            train(training, self._keep)
        except Stopped as stopped:
            self._save(training)
            self.log.info("stopped %s; the next attempt goes on from there", stopped)
            raise
        finally:
            self._write_history(training)
        measured = training.measure()
        if self._writes:
            outputs = training.outputs() if self.job.outputs else None
            self.verify()
            checkpoint.save_weights(self.folder.weights, training.model)
            if outputs is not None:
                write_outputs(self.folder, outputs)
                measured |= of_outputs(outputs)
            write_measures(self.folder, measured, {name: code.of_measure(name) for name in measured})

    def facts(self) -> dict[str, Any]:
        """What the record of the attempt says of the training."""
        made_by = code.as_columns(self.parts) if self.parts else {}
        if self.plugins:
            made_by["plugins"] = json.dumps(self.plugins)
        if self.training is None:
            return {"first_epoch": self.first_epoch, **made_by}
        training, first = self.training, self.first_epoch or 0
        on_gpu = training.device.type == "cuda"
        return {
            "first_epoch": self.first_epoch,
            **made_by,
            "train_s": sum(row["seconds"] for row in training.history[first:]),
            "epochs": training.epochs_done,
            **training.step_counts,
            "device": distributed.describe(training.device),
            "device_type": training.device.type,
            "world_size": distributed.world().size,
            "peak_device_memory_bytes": torch.cuda.max_memory_allocated(training.device) if on_gpu else None,
            "cuda": torch.version.cuda if on_gpu else None,
        }

    def last_quality(self) -> float | None:
        """After the newest epoch, on the validation split, or on the test split where there is none."""
        if self.training is None or not self.training.history:
            return None
        last, name = self.training.history[-1], tasks.of_trial(self.training.trial).quality
        quality: float | None = last.get(f"val_{name}", last.get(f"test_{name}"))
        return quality

    @property
    def _writes(self) -> bool:
        return distributed.world().rank == 0

    def _resume(self, training: Training) -> None:
        self.first_epoch = 0
        path = self.folder.checkpoint
        try:
            state = checkpoint.load(path)
        except checkpoint.DamagedCheckpoint as error:
            if self._writes:
                os.replace(path, path.with_suffix(".pt.damaged"))
                self.log.warning("%s; set aside as %s.damaged, training starts again", error, path.name)
            return
        if state is None:
            if self._writes:
                # Of an attempt that was killed before its first checkpoint.
                self.folder.progress.unlink(missing_ok=True)
            return
        training.load_state_dict(state)
        self.first_epoch = training.epochs_done
        self.parts = code.with_earlier(self.parts, state.get("code", {}))
        self.log.info("resuming after epoch %d%s", self.first_epoch, training.place)
        self._write_progress(training)
        for row in training.history:
            self._tell(row)

    def _keep(self, training: Training) -> None:
        """After each epoch: make sure that the trial is still ours, and let not much work be lost."""
        if self._is_due(training):
            self._save(training)
        elif self._writes:
            self.verify()
        if self.job.tensorboard and self._writes:
            write_tensorboard(self.folder.tensorboard, training.history)
        self._write_progress(training)
        row, task = training.history[-1], tasks.of_trial(training.trial)
        self.log.info(
            "epoch %d/%d: train loss %.4f, %s %s, %.2f s",
            row["epoch"],
            training.trial.total_epochs,
            row["train_loss"],
            task.curve_label,
            f"{row[task.curve]:.2f} {task.unit}".rstrip(),
            row["seconds"],
        )
        self._tell(row)

    def _write_progress(self, training: Training) -> None:
        if not self._writes or not training.history:
            return
        row = training.history[-1]
        progress = EpochProgress(
            epoch=row["epoch"],
            epochs=training.trial.total_epochs,
            quality=row[tasks.of_trial(training.trial).curve],
            seconds=row["seconds"],
            curve=[each[tasks.of_trial(training.trial).curve] for each in training.history],
        )
        write_progress(self.folder, progress)

    def _tell(self, row: dict[str, Any]) -> None:
        if self.listener.on_epoch is not None:
            self.listener.on_epoch(row)

    def _save(self, training: Training) -> None:
        state = training.state_dict() | {"code": self.parts}
        if self._writes:
            self.verify()
            checkpoint.save(self.folder.checkpoint, state)
        self.saved = time.monotonic()

    def _is_due(self, training: Training) -> bool:
        """Whether the end of this epoch gets a checkpoint; the last one does, for what is measured may fail.

        In several processes each does, because their clocks differ, and all of them make the state together.
        """
        if training.epochs_done == training.trial.total_epochs or distributed.world().size > 1:
            return True
        return time.monotonic() - self.saved >= self.job.resources.checkpoint_seconds

    def _write_history(self, training: Training) -> None:
        if self._writes and training.history:
            self.verify()
            write_history(self.folder, training.history)


_NO_MEMORY = ("can't allocate memory", os.strerror(errno.ENOMEM))


def classify(error: BaseException) -> Outcome:
    """The failure class of an exception."""
    if isinstance(error, Diverged):
        return "diverged"
    if isinstance(error, MemoryError | torch.OutOfMemoryError) or any(words in str(error) for words in _NO_MEMORY):
        return "oom"
    return "error"


def in_one_line(error: BaseException) -> str:
    """Class and first line of an error."""
    return f"{type(error).__name__}: {error}".strip().splitlines()[0]
