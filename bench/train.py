"""Train one trial, epoch by epoch, resumable to the bit.

Every random draw of epoch e comes from a generator seeded by (seed, purpose, e), so a run that resumes at the
start of an epoch makes the draws of an uninterrupted one without carrying generator states.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from bench.build import DTYPES, build, build_augmentation, image_size, mask_samples
from bench.data import TEST_SETS, files_of
from bench.data.split import Split
from bench.data.waiting import Waiting
from bench.measures import MEASURES
from bench.measures.accuracy import Trained, evaluate
from bench.registry import Entry
from bench.schedule import learning_rate
from bench.seeds import derive
from bench.trial import Trial


class Diverged(Exception):
    """The loss is no longer finite."""


class Training:
    """One training run: its model, optimizer and history, advanced one epoch at a time."""

    def __init__(self, trial: Trial, device: torch.device) -> None:
        self.trial = trial
        self.device = device
        parts = build(trial, device)
        self.model = parts.model
        self._splits, self._optimizer, self._method, self._scaler = (
            parts.splits, parts.optimizer, parts.method, parts.scaler,
        )  # fmt: skip
        self._loss = partial(cross_entropy, label_smoothing=trial.label_smoothing)
        self.history: list[dict[str, Any]] = []
        self.on_batch: Callable[[int, int, int], None] | None = None
        """Called after every step with the epoch and how many of how many images of it are through."""

    @property
    def epochs_done(self) -> int:
        return len(self.history)

    @property
    def step_counts(self) -> dict[str, int]:
        """Steps without perturbation and steps without update, because a gradient norm was zero or not finite."""
        counts = self._method.counts
        return {"unperturbed_steps": counts.unperturbed, "skipped_steps": counts.skipped}

    def run_epoch(self) -> dict[str, Any]:
        """Train and evaluate one epoch; returns its row of the history. Diverged if a loss isn't finite."""
        started = time.perf_counter()
        epoch = self.epochs_done + 1
        row: dict[str, Any] = {"epoch": epoch, "lr": learning_rate(self.trial, epoch)}
        row |= self._train_epoch(epoch, row["lr"])
        splits = self._splits
        if splits.validation:
            row["val_loss"], row["val_accuracy"] = self._evaluate(splits.validation)
        row["test_loss"], row["test_accuracy"] = self._evaluate(splits.test)
        row["seconds"] = time.perf_counter() - started
        self.history.append(row)
        if not all(math.isfinite(row[name]) for name in ("train_loss", "test_loss")):
            raise Diverged(f"the loss is {row['train_loss']} in epoch {epoch} of {self.trial.total_epochs}")
        return row

    def measure(self) -> dict[str, float]:
        """Every measure that the data set allows and whose images are there, of the trained model."""
        size = image_size(self.trial)
        trained = Trained(model=self.model, splits=self._splits, image_size=size, history=self.history)
        return {name: entry.load()(trained) for name, entry in MEASURES.items() if self._has(entry)}

    def state_dict(self) -> dict[str, Any]:
        """Everything that the rest of the run depends on."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "method": self._method.state_dict(),
            "scaler": self._scaler.state_dict() if self._scaler else None,
            "history": self.history,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state that `state_dict` gave."""
        self.model.load_state_dict(state["model"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._method.load_state_dict(state["method"])
        if self._scaler:
            self._scaler.load_state_dict(state["scaler"])
        self.history = state["history"]

    def _train_epoch(self, epoch: int, lr: float) -> dict[str, Any]:
        """Losses over the epoch, norms of its last step, and how fast it went."""
        self.model.train()
        # For dropout and the like; the data order has a generator of its own.
        torch.manual_seed(derive(self.trial.seed, "epoch", epoch))
        for group in self._optimizer.param_groups:
            group["lr"] = lr
        self._start_perturbing(epoch)
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
        started, seen = time.perf_counter(), 0
        batches, losses = Waiting(self._batches(epoch)), _EpochLosses(self.device)
        for images, labels in batches:
            if self.trial.channels_last:
                images = images.contiguous(memory_format=torch.channels_last)
            losses.add(self._method.step_batch(images, labels, self._loss), self._last_perturbed_loss(), len(labels))
            seen += len(labels)
            if self.on_batch:
                self.on_batch(epoch, seen, len(self._splits.train))
        means = losses.means()
        seconds = time.perf_counter() - started
        speed = {"images_per_s": seen / seconds, "waiting_seconds": batches.seconds}
        return means | self._last_norms() | speed | self._memory()

    def _start_perturbing(self, epoch: int) -> None:
        trial = self.trial
        self._method.enabled = trial.perturb_from < epoch <= (trial.perturb_until or trial.total_epochs)
        self._method.start_epoch(epoch - 1, trial.total_epochs, partial(self._samples, epoch))

    def _samples(self, epoch: int) -> tuple[Tensor, Tensor]:
        """The training samples that a scope estimates its mask on: drawn for the epoch, unaugmented."""
        generator = torch.Generator().manual_seed(derive(self.trial.seed, "samples", epoch))
        train = self._splits.train
        images, labels = train.take(torch.randperm(len(train), generator=generator)[: mask_samples(self.trial)])
        return self._splits.normalize(images), labels

    def _last_perturbed_loss(self) -> Tensor | None:
        return self._method.last.perturbed_loss if self._method.last else None

    def _last_norms(self) -> dict[str, float | None]:
        """Norms of the epoch's last step."""
        last = self._method.last
        if last is None:
            return {}
        perturbation = last.perturbation_norm
        return {
            "gradient_norm": last.gradient_norm,
            "ascent_norm": last.ascent_norm,
            "perturbation_norm": None if perturbation is None else perturbation.item(),
        }

    def _memory(self) -> dict[str, int]:
        if self.device.type != "cuda":
            return {}
        return {"device_memory_bytes": torch.cuda.max_memory_allocated(self.device)}

    def _batches(self, epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        train, trial = self._splits.train, self.trial
        order = torch.randperm(len(train), generator=torch.Generator().manual_seed(derive(trial.seed, "order", epoch)))
        whole = _whole_micro_batches(len(train), trial)
        return self._splits.normalized(train.batches(order[:whole], trial.batch_size, build_augmentation(trial, epoch)))

    def _evaluate(self, split: Split) -> tuple[float, float]:
        with torch.autocast(
            self.device.type, dtype=DTYPES[self.trial.precision], enabled=self.trial.precision != "float32"
        ):
            return evaluate(self.model, split, self._splits)

    def _has(self, entry: Entry) -> bool:
        traits = entry.traits
        if traits.get("needs_validation") and not self._splits.validation:
            return False
        if "trained_on" not in traits:
            return True
        files = files_of(TEST_SETS[traits["test_set"]])
        return traits["trained_on"] == self.trial.dataset and files is not None and files.root.is_dir()


class _EpochLosses:
    """Means over the samples of an epoch, added up on the device."""

    def __init__(self, device: torch.device) -> None:
        self._zero = torch.zeros((), device=device)
        self._sums, self._seen = {"train_loss": self._zero.clone()}, {"train_loss": 0}

    def add(self, loss: Tensor, perturbed_loss: Tensor | None, count: int) -> None:
        """A batch of `count` samples; None for a batch without perturbation."""
        for name, value in (("train_loss", loss), ("perturbed_loss", perturbed_loss)):
            if value is not None:
                self._sums[name] = self._sums.get(name, self._zero) + value * count
                self._seen[name] = self._seen.get(name, 0) + count

    def means(self) -> dict[str, float]:
        """Mean losses at w and, of the batches that had one, at w + ε."""
        return {name: total.item() / self._seen[name] for name, total in self._sums.items()}


def train(training: Training, after_epoch: Callable[[Training], None]) -> None:
    """Run the epochs that are left; `after_epoch` is called after each, and stops the run by raising."""
    while training.epochs_done < training.trial.total_epochs:
        training.run_epoch()
        after_epoch(training)


def _whole_micro_batches(samples: int, trial: Trial) -> int:
    """All samples; with micro-batches of m, the epoch's last batch loses what doesn't fill one."""
    m = trial.m or trial.batch_size
    return samples - samples % trial.batch_size % m if m < trial.batch_size else samples
