"""Restore: a trained model from its stored weights, to measure it without training again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from bench.measures.applicable import inapplicable
from bench.measures.bins import Histogram
from bench.measures.names import Measure
from bench.measures.outputs import Outputs
from bench.train.build import build_network, build_workload, set_tf32
from bench.train.checkpoint import load_weights
from bench.trial import Trial


class Inapplicable(Exception):
    """The measure has no meaning for the model."""


class RestoredModel:
    """One trial's model, in float32 whatever it was trained in; each quantity of it is taken alone."""

    def __init__(self, trial: Trial, weights: Path, history: Sequence[Mapping[str, Any]], device: torch.device) -> None:
        self._trial = trial
        set_tf32(device, allowed=False)
        model = build_network(trial)
        load_weights(weights, model)
        self._workload = build_workload(trial).to(device)
        self._trained = self._workload.trained(model.to(device), history)

    @cached_property
    def outputs(self) -> Outputs:
        """What the model says of each test image."""
        outputs = self._workload.outputs(self._trained.model)
        if outputs is None:
            raise Inapplicable(f"{self._trial.dataset} is of a task whose outputs aren't kept")
        return outputs

    def has(self, measure: Measure) -> bool:
        """Whether it has a meaning for the model."""
        return not self._why_not(measure)

    def take(self, measure: Measure) -> float | Histogram:
        """The value; Inapplicable if it has no meaning for the model, and whatever else goes wrong."""
        if reason := self._why_not(measure):
            raise Inapplicable(f"{measure.name} {reason}")
        subject = self.outputs if measure.entry.of_outputs else self._trained
        taken = measure.entry.load()(subject, **measure.arguments)
        return taken if isinstance(taken, Histogram) else float(taken)

    def _why_not(self, measure: Measure) -> str:
        return inapplicable(measure.entry, self._trial.dataset, validated=self._workload.has_validation)
