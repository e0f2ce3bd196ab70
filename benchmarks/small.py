"""A small trial's plain step against a bare loop, and what its checkpoints cost. Targets: 1.03 times, and 1 %.

    python benchmarks/small.py [--quick]

The bare loop: forward, loss, backward and the same SGD, on the same batch and memory layout; nothing is kept of it.
Ours is the trainer's step with what it notes of every step. They take turns, one thread each, in processor time, so
that others on the machine slow neither. The share of checkpoints is one in as many epochs as fill five seconds.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from claims import tell
from torch.nn.functional import cross_entropy

from bench.resources import Resources
from bench.train import checkpoint
from bench.train.build import build_model, build_optimizer
from bench.train.training import Training
from bench.trial import Trial

MODELS = ("resnet8", "vit_mini")
STEPS = 20
"""Of one turn."""


def trial_of(model: str) -> Trial:
    """SGD on the scanned digits, as the demo has it."""
    return Trial(
        dataset="digits", model=model, optimizer="sgd", lr=0.05, weight_decay=5e-4, batch_size=64, epochs=20,
        channels_last=True, settings=(("momentum", 0.9), ("nesterov", False)), seed=0,
    )  # fmt: skip


def bare(trial: Trial, inputs: torch.Tensor, targets: torch.Tensor) -> Callable[[], object]:
    """A step of a loop that does nothing else."""
    model = build_model(trial).to(memory_format=torch.channels_last)
    optimizer = build_optimizer(trial, model)

    def step() -> None:
        optimizer.zero_grad()
        cross_entropy(model(inputs), targets).backward()
        optimizer.step()

    return step


def ours(training: Training, inputs: torch.Tensor, targets: torch.Tensor) -> Callable[[], object]:
    """A step of the trainer, with what it notes of it."""

    def step() -> None:
        loss = training.step(inputs, targets)
        training._epoch.add(loss, training._method.last, len(targets))

    return step


def seconds(step: Callable[[], object]) -> float:
    """Processor seconds of a turn."""
    started = time.process_time()
    for _ in range(STEPS):
        step()
    return (time.process_time() - started) / STEPS


def checkpoint_seconds(training: Training) -> float:
    """Processor seconds of one checkpoint."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.process_time()
        checkpoint.save(Path(folder) / "checkpoint.pt", training.state_dict())
        return time.process_time() - started


def main() -> None:
    """Print the ratios of both networks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="seven rounds")
    rounds = 7 if parser.parse_args().quick else 31
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    torch.set_num_threads(1)
    for model in MODELS:
        trial = trial_of(model)
        training = Training(trial, torch.device("cpu"))
        inputs, targets, _ = next(iter(training.first_batches()))
        assert isinstance(inputs, torch.Tensor)
        assert isinstance(targets, torch.Tensor)
        fused = Training(replace(trial, settings=(*trial.settings, ("fused", True))), torch.device("cpu"))
        list(zip([0], fused.first_batches(), strict=False))
        steps = bare(trial, inputs, targets), ours(training, inputs, targets), ours(fused, inputs, targets)
        found = [tuple(map(seconds, steps)) for _ in range(rounds + 1)][1:]
        tell(f"{model}: the trainer's plain step / a bare loop's", _median(b / a for a, b, _ in found), at_most=1.03)
        tell(f"{model}: the same with fused SGD / without", _median(c / b for _, b, c in found), at_most=0.98)
        cost = _median(checkpoint_seconds(training) for _ in range(rounds))
        every = Resources().checkpoint_seconds
        tell(f"{model}: checkpoints' share of the work", 100 * cost / (cost + every), at_most=1.0, unit=" %")
        epoch = training.workload.steps * _median(b for _, b, _ in found)
        print(f"  {100 * cost / (cost + epoch):.1f} % with one after every epoch")


def _median(values: object) -> float:
    return statistics.median(values)  # type: ignore[call-overload, no-any-return]


if __name__ == "__main__":
    main()
