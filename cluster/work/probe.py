"""Probe: the time per epoch of a trial, from a few of its steps on this machine."""

from __future__ import annotations

import time
from itertools import islice

import torch

from bench import distributed
from bench.estimate import Pace
from bench.train.training import Training
from bench.trial import Trial

STEPS = 20
WARM_UP = 2
"""Steps that don't count, where an epoch has more."""


def probe(trial: Trial) -> Pace:
    """Time of an epoch, by the steps after the first few, which warm up."""
    device = distributed.device()
    training = Training(trial, device)
    warm_up = min(WARM_UP, training.workload.steps - 1)
    started = seen = 0.0
    for number, (inputs, targets, units) in enumerate(islice(training.first_batches(), STEPS)):
        if number == warm_up:
            _wait_for(device)
            started, seen = time.perf_counter(), 0.0
        training.step(inputs, targets)
        seen += units
    _wait_for(device)
    per_unit = (time.perf_counter() - started) / seen
    return Pace(per_unit * training.size, 1 if device.type == "cuda" else 0)


def _wait_for(device: torch.device) -> None:
    """A GPU's steps are only launched when `step` returns."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
