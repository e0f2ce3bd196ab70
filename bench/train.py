"""Train one trial, epoch by epoch, resumable to the bit.

Every random draw of epoch e comes from a generator seeded by (seed, purpose, e), so a run that resumes at the
start of an epoch makes the draws of an uninterrupted one without carrying generator states.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim.lr_scheduler import CosineAnnealingLR

from bench import data, models
from bench.data import AUGMENTATIONS, DATASETS
from bench.data.splits import Splits, with_label_noise
from bench.measures import MEASURES
from bench.measures.accuracy import Trained, evaluate
from bench.optimizers import OPTIMIZERS
from bench.registry import Entry
from bench.sam import SCOPES, VARIANTS, SharpnessAware, parse_scope
from bench.sam.norm_dropout import drop_norm_parameters
from bench.sam.subsets import parameter_groups, set_trainable
from bench.seeds import derive
from bench.trial import Trial


class Diverged(Exception):
    """The loss is no longer finite."""


class Training:
    """One training run: its model, optimizer and history, advanced one epoch at a time."""

    def __init__(self, trial: Trial, device: torch.device) -> None:
        self.trial = trial
        self.device = device
        traits = DATASETS[trial.dataset].traits
        self._splits = _splits(trial).to(device)
        self._augment = partial(AUGMENTATIONS[trial.augment].load(), flip=traits["flip"])
        self.model = _model(trial).to(device)
        self._optimizer = _optimizer(trial, self.model)
        self._schedule = CosineAnnealingLR(self._optimizer, T_max=trial.epochs)
        self._sharpness = _sharpness_aware(trial, self.model, self._optimizer)
        self._loss = partial(cross_entropy, label_smoothing=trial.label_smoothing)
        self.history: list[dict[str, Any]] = []

    @property
    def epochs_done(self) -> int:
        return len(self.history)

    @property
    def step_counts(self) -> dict[str, int]:
        """Steps without perturbation and steps without update, because a gradient norm was zero or not finite."""
        if self._sharpness is None:
            return {}
        counts = self._sharpness.counts
        return {"unperturbed_steps": counts.unperturbed, "skipped_steps": counts.skipped}

    def run_epoch(self) -> dict[str, Any]:
        """Train and evaluate one epoch; returns its row of the history. Diverged if a loss isn't finite."""
        started = time.perf_counter()
        epoch = self.epochs_done + 1
        row: dict[str, Any] = {"epoch": epoch, "lr": self._optimizer.param_groups[0]["lr"]}
        row["train_loss"] = self._train_epoch(epoch)
        row |= self._last_step()
        splits = self._splits
        if splits.validation:
            row["val_loss"], row["val_accuracy"] = evaluate(self.model, splits.validation, splits)
        row["test_loss"], row["test_accuracy"] = evaluate(self.model, splits.test, splits)
        row["seconds"] = time.perf_counter() - started
        self.history.append(row)
        if not all(math.isfinite(row[name]) for name in ("train_loss", "test_loss")):
            raise Diverged(f"the loss is {row['train_loss']} in epoch {epoch} of {self.trial.epochs}")
        self._schedule.step()
        return row

    def measure(self) -> dict[str, float]:
        """Every measure that the data set allows, of the trained model."""
        trained = Trained(model=self.model, splits=self._splits, history=self.history)
        return {
            name: entry.load()(trained)
            for name, entry in MEASURES.items()
            if self._splits.validation or not entry.traits.get("needs_validation")
        }

    def state_dict(self) -> dict[str, Any]:
        """Everything that the rest of the run depends on."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "schedule": self._schedule.state_dict(),
            "sharpness": self._sharpness.state_dict() if self._sharpness else None,
            "history": self.history,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state that `state_dict` gave."""
        self.model.load_state_dict(state["model"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._schedule.load_state_dict(state["schedule"])
        if self._sharpness:
            self._sharpness.load_state_dict(state["sharpness"])
        self.history = state["history"]

    def _train_epoch(self, epoch: int) -> float:
        """Mean training loss at w over the epoch."""
        self.model.train()
        # For dropout and the like; the data order has a generator of its own.
        torch.manual_seed(derive(self.trial.seed, "epoch", epoch))
        self._start_perturbing(epoch)
        total, seen = torch.zeros((), device=self.device), 0
        for images, labels in self._batches(epoch):
            total += self._step(images, labels) * len(labels)
            seen += len(labels)
        return total.item() / seen

    def _start_perturbing(self, epoch: int) -> None:
        if self._sharpness is None:
            return
        trial = self.trial
        self._sharpness.enabled = trial.perturb_from < epoch <= (trial.perturb_until or trial.epochs)
        self._sharpness.start_epoch(epoch - 1, trial.epochs, partial(self._samples, epoch))

    def _samples(self, epoch: int) -> tuple[Tensor, Tensor]:
        """The training samples that a scope estimates its mask on: drawn for the epoch, unaugmented."""
        count = int(self.trial.setting(SCOPES[parse_scope(self.trial.scope)[0]].traits["samples"]))
        generator = torch.Generator().manual_seed(derive(self.trial.seed, "samples", epoch))
        train = self._splits.train
        chosen = torch.randperm(len(train), generator=generator)[:count].to(self.device)
        return self._splits.normalize(train.images[chosen]), train.labels[chosen]

    def _last_step(self) -> dict[str, float | None]:
        """What the sharpness-aware step reports of the epoch's last batch."""
        if self._sharpness is None or self._sharpness.last is None:
            return {}
        last = self._sharpness.last
        tensors = {"perturbed_loss": last.perturbed_loss, "perturbation_norm": last.perturbation_norm}
        return {
            "ascent_norm": last.ascent_norm,
            **{name: None if value is None else value.item() for name, value in tensors.items()},
        }

    def _batches(self, epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        train = self._splits.train
        order = torch.Generator().manual_seed(derive(self.trial.seed, "order", epoch))
        draws = torch.Generator().manual_seed(derive(self.trial.seed, "augment", epoch))
        shuffled = torch.randperm(len(train), generator=order).to(self.device)
        for indices in shuffled.split(self.trial.batch_size):
            whole = self._whole_micro_batches(indices)
            if len(whole):
                images = self._augment(train.images[whole], draws)
                yield self._splits.normalize(images), train.labels[whole]

    def _whole_micro_batches(self, indices: Tensor) -> Tensor:
        """All of a batch; with micro-batches of m, the epoch's last batch loses what doesn't fill one."""
        m, n = self.trial.m or self.trial.batch_size, len(indices)
        return indices[: n - n % m] if m < self.trial.batch_size else indices

    def _step(self, images: Tensor, labels: Tensor) -> Tensor:
        if self._sharpness:
            return self._sharpness.step_batch(images, labels, self._loss)
        self._optimizer.zero_grad(set_to_none=True)
        total = torch.zeros((), device=self.device)
        m = self.trial.m or self.trial.batch_size
        for inputs, targets in zip(images.split(m), labels.split(m), strict=True):
            loss = self._loss(self.model(inputs), targets) * (len(targets) / len(labels))
            loss.backward()
            total += loss.detach()
        self._optimizer.step()
        return total


def train(training: Training, after_epoch: Callable[[Training], None]) -> None:
    """Run the epochs that are left; `after_epoch` is called after each, and stops the run by raising."""
    while training.epochs_done < training.trial.epochs:
        training.run_epoch()
        after_epoch(training)


def _splits(trial: Trial) -> Splits:
    splits = data.load(trial.dataset)
    noisy = with_label_noise(
        splits.train,
        trial.label_noise,
        num_classes=DATASETS[trial.dataset].traits["num_classes"],
        seed=trial.seed,
    )
    return replace(splits, train=noisy)


def _model(trial: Trial) -> nn.Module:
    traits = DATASETS[trial.dataset].traits
    torch.manual_seed(derive(trial.seed, "init"))
    shape = {name: traits[name] for name in ("num_classes", "in_channels", "image_size")}
    model = models.build(trial.model, **shape)
    drop_norm_parameters(model, trial.norm_dropout, trial.norm_rule)
    set_trainable(model, trial.trainable, trial.norm_rule)
    return model


def _optimizer(trial: Trial, model: nn.Module) -> torch.optim.Optimizer:
    entry = OPTIMIZERS[trial.optimizer]
    groups = parameter_groups(model, trial.weight_decay, trial.weight_decay_on, trial.norm_rule)
    optimizer: torch.optim.Optimizer = entry.load()(groups, lr=trial.lr, **_settings_of(entry, trial))
    return optimizer


def _sharpness_aware(trial: Trial, model: nn.Module, optimizer: torch.optim.Optimizer) -> SharpnessAware | None:
    if not trial.perturbs:
        return None
    assert trial.rho is not None, "a spec resolves a variant only with a rho"
    scope = SCOPES[parse_scope(trial.scope)[0]]
    return SharpnessAware(
        model,
        optimizer,
        variant=trial.variant,
        scope=trial.scope,
        rho=trial.rho,
        settings=_settings_of(VARIANTS[trial.variant], trial) | _settings_of(scope, trial),
        bn_stats=trial.bn_stats,
        m=trial.m if trial.m != trial.batch_size else None,
        norm_rule=trial.norm_rule,
        ascent_dtype=torch.bfloat16 if trial.ascent_dtype == "bfloat16" else None,
        ascent_share=trial.ascent_share,
        seed=derive(trial.seed, "perturbation"),
    )


def _settings_of(entry: Entry, trial: Trial) -> dict[str, Any]:
    return {name: trial.setting(name) for name in entry.settings}
