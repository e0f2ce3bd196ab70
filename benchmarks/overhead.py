"""What a trial costs beyond its own work: `sambench run` on Ray against a plain Ray Tune loop.

Both run the same 64 tiny trainings on all processors, each with its own Ray, alternately in one run of this
script. The plain loop is what Ray Tune's documentation shows: a function trainable in `Tuner.fit()` that reports
once; it keeps no claims, no checkpoints and no records. Overhead is
(wall time of all trials × processors − Σ time of training) / number of trials. Ray's start and the first trial of
each worker process (importing torch) are left out on both sides.
Targets: at most 0.1 s per trial, and at least 10 times less than the plain loop.
"""

from __future__ import annotations

import argparse
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from claims import tell

TARGET_SECONDS = 0.1
TARGET_RATIO = 10.0

SWEEP = """
title: "Tiny trainings"
grid: {dataset: digits, model: resnet8, optimizer: sgd, lr: 0.05, weight_decay: 0, batch_size: 1024, epochs: 1, seed: N}
"""


def ours(trials: int, folder: Path) -> tuple[float, float]:
    """Wall seconds from the first to the last record, and seconds of training in between."""
    from bench.store import Store, query

    sweep, store = folder / "tiny.yaml", folder / "store"
    sweep.write_text(SWEEP.replace("N", str(trials)), encoding="utf-8")
    command = [sys.executable, "-m", "bench", "run", str(sweep), "--store", str(store)]
    subprocess.run(command, check=True, capture_output=True)
    rows = query(Store.open(store), "SELECT pid, ended, train_s FROM attempts ORDER BY ended").to_pylist()
    return _window([(row["pid"], row["ended"].timestamp(), row["train_s"]) for row in rows])


def plain(trials: int, folder: Path) -> tuple[float, float]:
    """The same for the plain loop."""
    os.environ["RAY_AIR_NEW_OUTPUT"] = "0"
    import ray
    from ray import tune

    ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR, num_cpus=_processors())
    try:
        tuner = tune.Tuner(
            _plain_trial,
            param_space={"seed": tune.grid_search(list(range(trials)))},
            run_config=tune.RunConfig(storage_path=str(folder / "tune"), verbose=0),
        )
        results = tuner.fit()
    finally:
        ray.shutdown()
    metrics = [results[number].metrics for number in range(len(results))]
    return _window([(m["worker"], m["ended"], m["train_s"]) for m in metrics if m])


def _plain_trial(config: dict[str, Any]) -> None:
    import torch
    from ray import tune

    from bench.train.training import Training
    from bench.trial import Trial

    torch.set_num_threads(1)
    trial = Trial(
        dataset="digits", model="resnet8", optimizer="sgd", lr=0.05, weight_decay=0.0, batch_size=1024, epochs=1,
        seed=config["seed"], settings=(("momentum", 0.9),),
    )  # fmt: skip
    training = Training(trial, torch.device("cpu"))
    row = training.run_epoch()
    tune.report({"worker": os.getpid(), "ended": time.time(), "train_s": row["seconds"], **row})


def _window(ends: list[tuple[int, float, float]]) -> tuple[float, float]:
    """Wall seconds between the first and the last end, and the training seconds of what ended in between."""
    ends = sorted(ends, key=lambda end: end[1])
    skipped = _processors()
    counted = ends[skipped:]
    return counted[-1][1] - ends[skipped - 1][1], sum(train for _, _, train in counted)


def _processors() -> int:
    return len(os.sched_getaffinity(0))


def overhead(wall: float, work: float, trials: int) -> float:
    """Seconds per trial beyond its own work."""
    return (wall * _processors() - work) / (trials - _processors())


def main() -> None:
    """Print both overheads and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="32 trials, one round")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.trials, arguments.rounds = 32, 1
    ratios, own = [], []
    for number in range(arguments.rounds):
        with tempfile.TemporaryDirectory() as folder:
            costs = [overhead(*way(arguments.trials, Path(folder)), arguments.trials) for way in (ours, plain)]
        own.append(costs[0])
        ratios.append(costs[1] / costs[0])
        print(f"round {number + 1}: ours {costs[0]:.3f} s, plain Ray Tune {costs[1]:.3f} s, ratio {ratios[-1]:.1f}")
    cost, ratio = statistics.median(own), statistics.median(ratios)
    tell("overhead per trial", cost, at_most=TARGET_SECONDS, unit=" s")
    tell("overhead of plain Ray Tune / ours", ratio, at_least=TARGET_RATIO)


if __name__ == "__main__":
    main()
