"""Expanding, validating and hashing 100,000 trials, against building and hashing each one plainly.

The plain way is what a script without care does: a dictionary per trial, validated by pydantic, and SHA-256 of
`json.dumps`. Both run alternately in this process. Target: at most 1.5 s for the whole of ours, the file's
parsing included.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path

from claims import tell
from pydantic import TypeAdapter

from bench.sweep import load
from bench.trial import Trial

ROUNDS = 5
TARGET_SECONDS = 1.5

SWEEP = """
title: "100,000 trials"
recipe: digits-resnet
grid:
  model: [resnet8, resnet20, resnet56, vit_mini]
  label_noise: [0.0, 0.1, 0.2, 0.4, 0.6]
  lr: [0.01, 0.02, 0.05, 0.1, 0.2]
  weight_decay: [0, 1e-4, 5e-4, 1e-3, 5e-3]
  seed: 10
methods:
  - {variant: [sam, layerwise_l2], scope: [all, only_norm], rho: [0.01, 0.02, 0.05, 0.1, 0.2]}
"""


def ours(file: Path) -> int:
    """The public way: a file to distinct trials with their ids."""
    return len({trial.trial_id for trial in load(file).trials})


def plain(file: Path) -> int:
    """One dictionary, one validation and one hash per trial."""
    adapter = TypeAdapter(Trial)
    axes = {
        "model": ("resnet8", "resnet20", "resnet56", "vit_mini"),
        "label_noise": (0.0, 0.1, 0.2, 0.4, 0.6),
        "lr": (0.01, 0.02, 0.05, 0.1, 0.2),
        "weight_decay": (0.0, 1e-4, 5e-4, 1e-3, 5e-3),
        "seed": tuple(range(10)),
        "variant": ("sam", "layerwise_l2"),
        "scope": ("all", "only_norm"),
        "rho": (0.01, 0.02, 0.05, 0.1, 0.2),
    }
    base = {"dataset": "digits", "optimizer": "sgd", "batch_size": 64, "epochs": 20}
    ids = set()
    for values in product(*axes.values()):
        trial = adapter.validate_python(base | dict(zip(axes, values, strict=True)))
        text = json.dumps(trial.as_dict(), sort_keys=True)
        ids.add(hashlib.sha256(text.encode()).hexdigest())
    return len(ids)


def timed(way: Callable[[Path], int], file: Path) -> tuple[float, int]:
    """Seconds and number of distinct trials."""
    started = time.perf_counter()
    count = way(file)
    return time.perf_counter() - started, count


def main() -> None:
    """Print both times and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two rounds")
    number = 2 if parser.parse_args().quick else ROUNDS
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "large.yaml"
        file.write_text(SWEEP, encoding="utf-8")
        rounds = [(timed(ours, file), timed(plain, file)) for _ in range(number)]
    counts = {count for pair in rounds for _, count in pair}
    assert counts == {100_000}, counts
    our_time = statistics.median(pair[0][0] for pair in rounds)
    ratio = statistics.median(pair[0][0] / pair[1][0] for pair in rounds)
    tell("expansion of 100,000 trials", our_time, at_most=TARGET_SECONDS, unit=" s")
    print(f"  ratio to the plain way {ratio:.2f} (median of {number} alternating rounds)")


if __name__ == "__main__":
    main()
