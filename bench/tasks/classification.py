"""Classification: images and their labels, in batches of a fixed number of samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from bench import data, distributed, models
from bench.data.augmentations import AUGMENTATIONS
from bench.data.cifar import PIXELS
from bench.data.split import Augmentation, EpochShare
from bench.data.splits import Splits, hold_out, with_label_noise
from bench.measures.accuracy import evaluate
from bench.measures.outputs import Outputs
from bench.measures.predict import predict
from bench.measures.trained import Trained
from bench.models.pretrained.preprocessing import preprocessing_of
from bench.sam import SCOPES, parse_scope
from bench.seeds import derive
from bench.tasks import unshareable
from bench.tasks.workload import Workload, WorkloadBatch, settings_of
from bench.trial import Trial


@dataclass(frozen=True)
class Classification(Workload):
    """Images that belong to classes."""

    trial: Trial
    splits: Splits

    @classmethod
    def of(cls, trial: Trial) -> Classification:
        """The trial's data on the CPU."""
        return cls(trial, build_splits(trial))

    @property
    def has_validation(self) -> bool:
        """See `Workload.has_validation`."""
        return self.splits.validation is not None

    @classmethod
    def network(cls, trial: Trial) -> nn.Module:
        """See `Workload.network`."""
        found = data.images(trial.dataset)
        return models.build(
            trial.model,
            num_classes=found.num_classes,
            in_channels=found.in_channels,
            image_size=image_size(trial),
            settings=settings_of(models.entry(trial.model), trial),
        )

    def check_world(self) -> None:
        """See `Workload.check_world`."""
        if fault := unshareable(self.trial, distributed.world().size):
            raise ValueError(fault)

    def to(self, device: torch.device) -> Self:
        """See `Workload.to`."""
        return replace(self, splits=self.splits.to(device))

    @property
    def size(self) -> int:
        """See `Workload.size`: all samples, or with `drop_last` those that fill whole batches."""
        available, trial = len(self.splits.train), self.trial
        if not trial.drop_last:
            return available
        whole = available - available % trial.batch_size
        if not whole:
            raise ValueError(
                f"{available} training images fill no batch of {trial.batch_size}, "
                "and drop_last leaves out smaller ones"
            )
        return whole

    @property
    def steps(self) -> int:
        """See `Workload.steps`."""
        return -(-self.size // self.trial.batch_size)

    def batches(self, epoch: int, skip: int = 0) -> Iterator[WorkloadBatch]:
        """See `Workload.batches`."""
        trial, world, size = self.trial, distributed.world(), self.size
        seen = min(skip * trial.batch_size, size)
        part = EpochShare(rank=world.rank, size=world.size, skip=skip)
        augmentation = build_augmentation(trial, epoch)
        found = self.splits.train.batches(self._order(epoch)[:size], trial.batch_size, augmentation, part)
        for images, labels in self.splits.normalized(found):
            if trial.channels_last:
                images = images.contiguous(memory_format=torch.channels_last)
            # Over all processes, of which each has a part, or all of a smaller last batch.
            units = min(trial.batch_size, size - seen)
            seen += units
            yield WorkloadBatch(images, labels, units)

    def samples(self, epoch: int) -> tuple[Tensor, Tensor]:
        """See `Workload.samples`."""
        generator = torch.Generator().manual_seed(derive(self.trial.seed, "samples", epoch))
        train = self.splits.train
        images, labels = train.take(torch.randperm(len(train), generator=generator)[: mask_samples(self.trial)])
        return self.splits.normalize(images), labels

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """See `Workload.loss`."""
        return cross_entropy(outputs, targets, label_smoothing=self.trial.label_smoothing)

    def evaluate(self, model: nn.Module, history: Sequence[Mapping[str, Any]]) -> dict[str, float]:
        """See `Workload.evaluate`."""
        row, splits = {}, self.splits
        if splits.validation:
            row["val_loss"], row["val_accuracy"] = evaluate(model, splits.validation, splits)
        row["test_loss"], row["test_accuracy"] = evaluate(model, splits.test, splits)
        return row

    def outputs(self, model: nn.Module) -> Outputs:
        """See `Workload.outputs`."""
        return predict(model, self.splits)

    def trained(self, model: nn.Module, history: Sequence[Mapping[str, Any]]) -> Trained:
        """See `Workload.trained`."""
        size, seed = image_size(self.trial), self.trial.seed
        return Trained(model=model, splits=self.splits, image_size=size, history=history, seed=seed)

    def _order(self, epoch: int) -> Tensor:
        generator = torch.Generator().manual_seed(derive(self.trial.seed, "order", epoch))
        return torch.randperm(len(self.splits.train), generator=generator)


def build_splits(trial: Trial) -> Splits:
    """The trial's data, with what it holds out and the labels that it redraws."""
    splits = hold_out(data.load(trial.dataset, trial.image_size), trial.val_fraction, trial.seed)
    if trial.preprocessing == "model":
        splits = splits.prepared(preprocessing_of(trial.model, trial.init_from))
    elif trial.preprocessing == "cifar10_pixels":
        splits = splits.prepared(PIXELS)
    classes = data.images(trial.dataset).num_classes
    noisy = with_label_noise(splits.train, trial.label_noise, num_classes=classes, seed=trial.seed)
    return replace(splits, train=noisy)


def build_augmentation(trial: Trial, epoch: int) -> Augmentation | None:
    """How the images of an epoch are augmented."""
    if trial.augment == "none":
        return None
    entry, flip = AUGMENTATIONS[trial.augment], data.images(trial.dataset).flip
    augment = partial(entry.load(), **settings_of(entry, trial))
    if entry.resizes:
        augment = partial(augment, size=image_size(trial))
    return Augmentation(augment=augment, flip=flip, seed=derive(trial.seed, "augment", epoch))


def image_size(trial: Trial) -> int:
    """Side in pixels of the images that the model sees."""
    return trial.image_size or data.images(trial.dataset).image_size


def mask_samples(trial: Trial) -> int:
    """Training samples that the trial's scope estimates its mask on; 0 where it needs none."""
    if not trial.perturbs:
        return 0
    setting = SCOPES[parse_scope(trial.scope)[0]].samples
    return int(trial.setting(setting)) if setting else 0
