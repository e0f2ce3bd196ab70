"""A sweep that every plot can be drawn of, and results for it."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from bench.measures.bins import edges
from bench.measures.names import parse
from bench.store import Attempt, Store
from bench.store.attempt import record
from bench.store.measured import Quantity, add_measure
from bench.store.results import write_history, write_measures
from bench.sweep import Sweep, load

SWEEP = """
title: "Every plot"
grid: {dataset: digits, model: [resnet8, resnet20], optimizer: sgd, lr: 0.05, weight_decay: 5e-4, batch_size: 64,
       epochs: 3, seed: 3}
methods:
  - {}
  - {variant: sam, scope: [all, only_norm], rho: [0.1, 0.2, 0.4]}
  - {variant: sam, scope: random, rho: 0.1, sparsity: [0.5, 0.9, 0.99]}
  - {variant: sam, scope: only_norm, rho: 0.1, m: [16, 32]}
measures: [test_accuracy, weight_histogram, "weight_histogram[layer=conv,scale=log]"]
"""


def value(place: int, seed: int) -> float:
    return 90 + (place * 7 % 11) / 3 + seed / 5


def every_plot(folder: Path) -> Sweep:
    """The sweep, written there."""
    file = folder / "every.yaml"
    file.write_text(SWEEP, encoding="utf-8")
    return load(file)


def fill(store: Store, sweep: Sweep) -> None:
    """Every trial but the last becomes done."""
    store.add(sweep.trials)
    now = datetime.now(UTC)
    for place, trial in enumerate(sweep.trials[:-1]):
        folder = store.folder(trial.trial_id)
        accuracy = value(place, trial.seed)
        write_measures(folder, {"test_accuracy": accuracy, "val_accuracy": accuracy})
        write_history(
            folder,
            [{"epoch": e, "train_loss": 2 / e, "test_accuracy": accuracy - 10 / e, "seconds": 1.0} for e in (1, 2, 3)],
        )
        attempt = Attempt(
            trial_id=trial.trial_id, attempt=1, outcome="done", started=now, ended=now, wall_s=3.0, launcher="test",
            host="host", pid=os.getpid(), epochs=3, train_s=3.0 + trial.perturbs * 2,
        )  # fmt: skip
        record(folder, attempt)
        for name in sweep.measures[1:]:
            add_histogram(store, trial.trial_id, name)


def add_histogram(store: Store, trial_id: str, name: str) -> None:
    """Every weight in one of a few bins."""
    measure = parse(name)
    counts = [0] * (len(edges(str(measure.arguments["scale"]))) + 1)
    counts[100:104] = [1, 5, 20, 3]
    add_measure(store.folder(trial_id), Quantity(measure.measure, measure.stored), 0.5, counts=counts)
