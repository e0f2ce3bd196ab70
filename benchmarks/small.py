"""A small trial's plain step against a bare loop, and what its checkpoints cost. Targets: 1.03 times, and 1 %.

    python benchmarks/small.py [--quick]

The bare loop: forward, loss, backward and SGD, and the loss summed for the epoch's mean; nothing else. Ours is the
trainer's step with what it notes of every step. Both train the same network with the same optimizer on the same batch,
so that neither has the better place in memory. They take turns, one thread each, in processor time. On a crowded
machine that grows too, as others push it out of the caches: what counts is the time that a tenth of the steps keeps to.
The share of checkpoints is one in as many epochs as fill five seconds.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from claims import tell
from torch.nn.functional import cross_entropy

from bench.resources import Resources
from bench.train import checkpoint
from bench.train.training import Training
from bench.trial import Trial

MODELS = ("resnet8", "vit_mini")
STEPS = 3
"""Of one turn, after one to warm up: short, so that a quiet moment is had by all."""


def trial_of(model: str) -> Trial:
    """SGD on the scanned digits, as the demo has it."""
    return Trial(
        dataset="digits", model=model, optimizer="sgd", lr=0.05, weight_decay=5e-4, batch_size=64, epochs=20,
        channels_last=True, settings=(("momentum", 0.9), ("nesterov", False)), seed=0,
    )  # fmt: skip


def bare(training: Training, inputs: torch.Tensor, targets: torch.Tensor) -> Callable[[], object]:
    """A step of a loop that only notes its loss."""
    model, optimizer = training.model, training._optimizer
    total = torch.zeros(())

    def step() -> None:
        nonlocal total
        optimizer.zero_grad()
        loss = cross_entropy(model(inputs), targets)
        loss.backward()
        optimizer.step()
        total = total + loss.detach() * len(targets)

    return step


def ours(training: Training, inputs: torch.Tensor, targets: torch.Tensor) -> Callable[[], object]:
    """A step of the trainer, with what it notes of it."""

    def step() -> None:
        loss = training.step(inputs, targets)
        training._epoch.add(loss, training._method.last, len(targets))

    return step


def seconds(step: Callable[[], object]) -> float:
    """Processor seconds of one step."""
    started = time.process_time()
    step()
    return time.process_time() - started


def quick(steps: Sequence[Callable[[], object]], rounds: int) -> list[float]:
    """Of each, the processor seconds that a tenth of its steps keeps to; they take turns, in any order."""
    times: list[list[float]] = [[] for _ in steps]
    for _ in range(rounds):
        for step, found in random.sample(list(zip(steps, times, strict=True)), len(steps)):
            step()
            found += [seconds(step) for _ in range(STEPS)]
    return [statistics.quantiles(found, n=10)[0] for found in times]


def checkpoint_seconds(training: Training) -> float:
    """Processor seconds of one checkpoint."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.process_time()
        checkpoint.save(Path(folder) / "checkpoint.pt", training.state_dict())
        return time.process_time() - started


def main() -> None:
    """Print the ratios of both networks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="60 rounds")
    rounds = 60 if parser.parse_args().quick else 300
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
        steps = bare(training, inputs, targets), ours(training, inputs, targets), ours(fused, inputs, targets)
        loop, plain, fast = quick(steps, rounds)
        tell(f"{model}: plain step / bare loop", plain / loop, at_most=1.03)
        tell(f"{model}: plain step fused / not", fast / plain, at_most=0.98)
        cost = statistics.median(checkpoint_seconds(training) for _ in range(20))
        every = Resources().checkpoint_seconds
        tell(f"{model}: share of checkpoints", 100 * cost / (cost + every), at_most=1.0, unit=" %")
        epoch = training.workload.steps * plain
        print(f"  {100 * cost / (cost + epoch):.1f} % with one after every epoch")


if __name__ == "__main__":
    main()
