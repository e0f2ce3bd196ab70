"""Probe: the time per epoch of a trial, from a few of its steps on this machine."""

from __future__ import annotations

import time
from itertools import islice

from bench import distributed
from bench.estimate import Pace
from bench.train.training import Training
from bench.trial import Trial

STEPS = 20


def probe(trial: Trial) -> Pace:
    """Time of an epoch by the trial's first steps, the first two of which warm up and don't count."""
    device = distributed.device()
    training = Training(trial, device)
    started = seen = 0.0
    for number, (inputs, targets, units) in enumerate(islice(training.first_batches(), STEPS)):
        if number == min(2, STEPS - 1):
            started, seen = time.perf_counter(), 0.0
        training.step(inputs, targets)
        seen += units
    per_unit = (time.perf_counter() - started) / seen
    return Pace(per_unit * training.size, 1 if device.type == "cuda" else 0)
