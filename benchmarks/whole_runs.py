"""What a sweep's methods cost over a whole training, relative to the base optimizer alone: time, passes and memory.

    python benchmarks/whole_runs.py [SWEEP] [--rounds N]

Every method trains one trial of its own, of seed 0 and the middle ρ, and they take turns epoch by epoch, so that a
drifting machine slows them alike; late methods change their cost on the way, and whole runs count that. A ratio is
that of the time of all epochs, the median over rounds. Memory is the peak above what the built training holds, each
in a process of its own.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
from itertools import groupby
from pathlib import Path

import torch
from step import memory_of

from bench.sweep import load
from bench.sweep.file.lookup import sweep_file
from bench.train.training import Training
from bench.trial import Trial
from cluster.work.environment import MEMORY_SETTINGS

METHOD = ("variant", "scope", "perturb_from", "epochs", "settings")


def one_of_each(sweep: str) -> list[Trial]:
    """A trial of each method: seed 0, the middle ρ; the base optimizer with fewest epochs first."""

    def key(trial: Trial) -> tuple[object, ...]:
        return tuple(getattr(trial, field) for field in METHOD)

    trials = sorted(
        (t for t in load(sweep_file(Path(sweep))).trials if t.seed == 0), key=lambda t: (repr(key(t)), t.rho or 0)
    )
    groups = [list(each) for _, each in groupby(trials, key)]
    return sorted((group[len(group) // 2] for group in groups), key=lambda t: (t.perturbs, t.total_epochs))


def round_of(trials: list[Trial], first: int) -> tuple[list[float], list[float]]:
    """Seconds and passes of a whole training of each, in turns that begin with another one."""
    trainings = [Training(trial, torch.device("cpu")) for trial in trials]
    seconds = [0.0] * len(trials)
    for epoch in range(max(trial.total_epochs for trial in trials)):
        for place in range(len(trials)):
            which = (first + epoch + place) % len(trials)
            if epoch < trials[which].total_epochs:
                seconds[which] += trainings[which].size / trainings[which].run_epoch()["images_per_s"]
    return seconds, [training.step_counts["passes"] or float("nan") for training in trainings]


def peak_memory(sweep: str, which: int) -> float:
    """MiB, by a process of its own."""
    environment = {key: value for key, value in os.environ.items() if key not in MEMORY_SETTINGS}
    environment["MALLOC_MMAP_THRESHOLD_"] = "65536"
    command = [sys.executable, __file__, sweep, "--peak", str(which)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout)


def print_peak(trial: Trial) -> None:
    """Of the last epoch, in which late methods perturb too."""
    training = Training(trial, torch.device("cpu"))
    before = memory_of("cpu", peak=False)
    for _ in range(trial.total_epochs):
        training.run_epoch()
    print(memory_of("cpu", peak=True) - before)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sweep", nargs="?", default="cheap-sam-digits")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peak", type=int, help="print one method's peak memory in MiB, nothing else")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    trials = one_of_each(arguments.sweep)
    if arguments.peak is not None:
        print_peak(trials[arguments.peak])
        return
    if any(os.environ.get(key) != value for key, value in MEMORY_SETTINGS.items()):
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **MEMORY_SETTINGS})
    rounds = [round_of(trials, number) for number in range(arguments.rounds)]
    print(f"{arguments.sweep}: whole runs, one thread, torch {torch.__version__}, median of {len(rounds)} rounds")
    print(f"{'':44}{'time':>7}{'passes':>8}{'peak MiB':>10}")
    for which, trial in enumerate(trials):
        time = statistics.median(seconds[which] / seconds[0] for seconds, _ in rounds)
        passes = rounds[0][1]
        late = f" from epoch {trial.perturb_from + 1}" if trial.perturb_from else ""
        name = f"{trial.variant}/{trial.scope}{late}" if trial.perturbs else f"{trial.optimizer}, {trial.epochs} epochs"
        relative = passes[which] / passes[0]
        print(f"{name:44}{time:7.2f}{relative:8.2f}{peak_memory(arguments.sweep, which):10.1f}", flush=True)


if __name__ == "__main__":
    main()
