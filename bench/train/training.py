"""Training: one trial, epoch by epoch, resumable bit for bit.

Every random draw of epoch e comes from a generator seeded by (seed, purpose, e), so that a resumed run makes the
draws of an uninterrupted one; only what dropout draws within an epoch needs its generator's state.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor

from bench import distributed
from bench.data import TEST_SETS, files_of
from bench.data.waiting import TimedBatches
from bench.measures import MEASURES
from bench.measures.applicable import inapplicable
from bench.measures.outputs import Outputs
from bench.optim.schedule_free import evaluated, to_evaluate
from bench.registry import MeasureEntry
from bench.sam.passes.running_stats import moving_statistics, tracking_layers
from bench.seeds import derive
from bench.tasks.workload import Tree, WorkloadBatch
from bench.train.build import DTYPES, build
from bench.train.epoch import Epoch
from bench.train.refresh import refresh_statistics
from bench.train.schedule import learning_rate
from bench.trial import Trial

_STEPS_TO_AGREE = 8
"""Several processes agree only once in so many steps whether to stop."""


class Diverged(Exception):
    """The loss is no longer finite."""


class Stopped(Exception):
    """Training was asked to stop, and did after a step from which its state can be resumed."""


class Training:
    """One training run: its model, optimizer and history, advanced one epoch at a time.

    In several processes each makes its share of every step; all call the same methods in the same order.
    """

    def __init__(self, trial: Trial, device: torch.device) -> None:
        self.trial = trial
        self.device = device
        self._world = distributed.world()
        parts = build(trial, device)
        self.model, self.workload, self._optimizer = parts.model, parts.workload, parts.optimizer
        self._method, self._scaler, self._compiled = parts.method, parts.scaler, parts.compiled
        self._epoch = Epoch(device)
        self.history: list[dict[str, Any]] = []
        self.on_batch: Callable[[int, int, int], None] | None = None
        """Called after every step with the epoch and how many of how many images or tokens of it are through."""
        self.stop: Callable[[], bool] | None = None
        """Asked after every step whether to stop there; any process's yes is enough."""

    @property
    def epochs_done(self) -> int:
        return len(self.history)

    @property
    def place(self) -> str:
        """How far it is within an epoch, for messages; empty between epochs."""
        return f" and {self._epoch.steps} steps" if self._epoch.steps else ""

    @property
    def step_counts(self) -> dict[str, float | None]:
        """All steps and their passes, and steps without perturbation or update, as a norm was zero or not finite."""
        counts = self._method.counts
        return {
            "steps": counts.steps,
            "passes": None if math.isnan(counts.passes) else counts.passes,
            "unperturbed_steps": counts.unperturbed,
            "skipped_steps": counts.skipped,
        }

    def run_epoch(self) -> dict[str, Any]:
        """Train and evaluate one epoch, or what is left of it; returns its row of the history.

        Raises Diverged if a loss isn't finite, and Stopped if `stop` asked for it.
        """
        number = self.epochs_done + 1
        row: dict[str, Any] = {"epoch": number, "lr": self._learning_rate(number, 0)}
        row |= self._train_epoch(number)
        with evaluated(self._optimizer):
            if self.trial.bn_refresh and number == self.trial.total_epochs:
                refresh_statistics(self.model, self.workload.batches(number))
                self._share_statistics()
            started = time.perf_counter()
            row |= self._evaluate()
        row["seconds"] = self._epoch.seconds + time.perf_counter() - started
        self.history.append(row)
        self._epoch = Epoch(self.device)
        if not all(math.isfinite(row[name]) for name in ("train_loss", "test_loss")):
            raise Diverged(f"the loss is {row['train_loss']} in epoch {number} of {self.trial.total_epochs}")
        return row

    @property
    def size(self) -> int:
        """What an epoch has: images, or tokens of the target language."""
        return self.workload.size

    def first_batches(self) -> Iterator[WorkloadBatch]:
        """The batches of the first epoch, for a caller that makes the steps itself."""
        self._begin(1)
        return self.workload.batches(1)

    def step(self, inputs: Tree, targets: Tree) -> Tensor:
        """One step of the trial's method; the loss at w."""
        if self._compiled is None:
            return self._method.step_batch(inputs, targets, self.workload.loss)
        with self._compiled.used(len(targets) * self._world.size == self.trial.batch_size):
            return self._method.step_batch(inputs, targets, self.workload.loss)

    def measure(self) -> dict[str, float]:
        """Every quick measure that the data set allows and whose images are there, of the trained model.

        Ends the training: the model holds the weights that were measured.
        """
        to_evaluate(self._optimizer)
        trained = self.workload.trained(self.model, self.history)
        return {name: entry.load()(trained) for name, entry in MEASURES.items() if self._takes(entry)}

    def outputs(self) -> Outputs | None:
        """What the trained model says of each test image, by this process alone."""
        return self.workload.outputs(self.model)

    def state_dict(self) -> dict[str, Any]:
        """Everything that the rest of the run depends on; the same in every process."""
        self._share_statistics()
        return {
            "model": self.model.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "method": self._method.state_dict(),
            "scaler": self._scaler.state_dict() if self._scaler else None,
            "epoch": self._epoch.state_dict(),
            "history": self.history,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state that `state_dict` gave."""
        self.model.load_state_dict(state["model"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._method.load_state_dict(state["method"])
        if self._scaler:
            self._scaler.load_state_dict(state["scaler"])
        self._epoch.load_state_dict(state["epoch"])
        self.history = state["history"]

    def _learning_rate(self, epoch: int, step: int) -> float:
        return learning_rate(self.trial, epoch, step, self.workload.steps)

    def _set_learning_rate(self, epoch: int, step: int) -> None:
        for group in self._optimizer.param_groups:
            group["lr"] = self._learning_rate(epoch, step)

    def _train_epoch(self, number: int) -> dict[str, Any]:
        """Losses over the epoch, norms of its last step, and how fast it went."""
        epoch = self._begin(number)
        batches, size = TimedBatches(self.workload.batches(number, epoch.steps)), self.workload.size
        for inputs, targets, units in batches:
            if self.trial.lr_per == "step":
                self._set_learning_rate(number, epoch.steps)
            loss = self.step(inputs, targets)
            epoch.add(loss, self._method.last, units)
            if self.on_batch:
                self.on_batch(number, epoch.seen, size)
            # Of all epochs: one may have fewer steps than processes take from one look to the next.
            if self._shall_stop((number - 1) * self.workload.steps + epoch.steps):
                epoch.pause(batches.seconds)
                raise Stopped(f"after step {epoch.steps} of epoch {number}")
        self._share_statistics()
        return epoch.finish(batches.seconds) | self._memory()

    def _shall_stop(self, steps: int) -> bool:
        """Whether any process wants to stop; several ask each other every few steps only, for they wait to hear."""
        if self.stop is None or (self._world.size > 1 and steps % _STEPS_TO_AGREE):
            return False
        return distributed.agree(self.stop(), self.device)

    def _begin(self, number: int) -> Epoch:
        """Get ready for an epoch's next step, the first or one after a resume."""
        trial = self.trial
        self.model.train()
        self._set_learning_rate(number, self._epoch.steps)
        self._method.enabled = trial.perturb_from < number <= (trial.perturb_until or trial.total_epochs)
        steps, samples = self.workload.steps, partial(self.workload.samples, number)
        self._method.start_epoch(number - 1, trial.total_epochs, samples, steps=steps)
        # For dropout and the like; the data order has a generator of its own.
        self._epoch.start(derive(trial.seed, "epoch", number, self._world.rank))
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
        return self._epoch

    def _memory(self) -> dict[str, int]:
        if self.device.type != "cuda":
            return {}
        return {"device_memory_bytes": torch.cuda.max_memory_allocated(self.device)}

    def _share_statistics(self) -> None:
        """Average running statistics over processes, each of which has those of its own micro-batches."""
        layers = tracking_layers(self.model)
        distributed.average(tensor for layer in layers for tensor in moving_statistics(layer))

    def _evaluate(self) -> dict[str, float]:
        dtype = DTYPES[self.trial.precision]
        with torch.autocast(self.device.type, dtype=dtype, enabled=dtype is not None):
            return self.workload.evaluate(self.model, self.history)

    def _takes(self, measure: MeasureEntry) -> bool:
        """Whether a measure is taken at the end of the training."""
        if measure.later or inapplicable(measure, self.trial.dataset, validated=self.workload.has_validation):
            return False
        if measure.test_set is None:
            return True
        files = files_of(TEST_SETS[measure.test_set])
        return files is not None and files.root.is_dir()


def train(training: Training, after_epoch: Callable[[Training], None]) -> None:
    """Run the epochs that are left; `after_epoch` is called after each, and stops the run by raising."""
    while training.epochs_done < training.trial.total_epochs:
        training.run_epoch()
        after_epoch(training)
