"""Workload: a trial's data, and what training must know about their kind."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Self

import torch
from torch import Tensor, nn

from bench.measures.outputs import Outputs
from bench.measures.trained import TrainedModel
from bench.trial import Trial

Tree = Any
"""A tensor, or a tuple of tensors, with samples along the first dimension."""


class WorkloadBatch(NamedTuple):
    """What one step trains on."""

    inputs: Tree
    targets: Tree
    units: int
    """Its images, or tokens of the target language, over all processes."""


class Workload(ABC):
    """The data of one trial, on its device. In several processes each has its share of every batch.

    What an epoch brings is a function of trial and epoch, so that a run goes on from any step.
    """

    trial: Trial

    @property
    @abstractmethod
    def has_validation(self) -> bool:
        """Whether there is a validation split."""

    @classmethod
    @abstractmethod
    def network(cls, trial: Trial) -> nn.Module:
        """The trial's network on the CPU, with weights drawn from torch's generator."""

    @abstractmethod
    def check_world(self) -> None:
        """ValueError unless the processes can share the trial's batches by whole micro-batches."""

    @abstractmethod
    def to(self, device: torch.device) -> Self:
        """The same, whose batches are on `device`."""

    @property
    @abstractmethod
    def size(self) -> int:
        """Images, or tokens of the target language, of an epoch; ValueError if it has no batch."""

    @property
    @abstractmethod
    def steps(self) -> int:
        """How many batches an epoch has."""

    @abstractmethod
    def batches(self, epoch: int, skip: int = 0) -> Iterator[WorkloadBatch]:
        """The batches of an epoch, 1-based, after the first `skip`."""

    @abstractmethod
    def samples(self, epoch: int) -> tuple[Tensor, Tensor]:
        """The training samples that a scope estimates its mask on: drawn for the epoch, unaugmented."""

    @abstractmethod
    def loss(self, outputs: Any, targets: Any) -> Tensor:
        """What is trained on, as a mean over samples."""

    @abstractmethod
    def evaluate(self, model: nn.Module, history: Sequence[Mapping[str, Any]]) -> dict[str, float]:
        """Loss and quality on the splits, by column of the history; `history` has the earlier epochs."""

    def outputs(self, model: nn.Module) -> Outputs | None:
        """What the model says of each test sample, by this process alone; None where a store keeps nothing of it."""
        return None

    @abstractmethod
    def trained(self, model: nn.Module, history: Sequence[Mapping[str, Any]]) -> TrainedModel:
        """What measures are taken of."""


def settings_of(entry: Any, trial: Trial) -> dict[str, Any]:
    """The settings that an entry understands, with the defaults of those that the trial doesn't name."""
    return {name: setting.default for name, setting in entry.settings.items()} | {
        name: value for name, value in trial.settings if name in entry.settings
    }
