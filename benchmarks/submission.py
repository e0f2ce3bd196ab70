"""Queueing 5,000 trials on a real SLURM cluster, and asking how they stand.

    python benchmarks/submission.py [--quick]

Brings up two nodes on this machine (Debian packages slurm-wlm, slurmdbd, mariadb-server, munge), with jobs held, so
that nothing trains; compares with one sbatch per trial, of which a hundred are made.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from claims import tell

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.slurm.site.cluster import Cluster  # noqa: E402 — tests are no installed package
from tests.slurm.site.daemons import missing_programs  # noqa: E402

SWEEP = """
title: "Many trials"
grid: {{dataset: digits, model: resnet8, optimizer: sgd, lr: 0.05, weight_decay: 5e-4, batch_size: 128, epochs: 1}}
methods: [{{seed: {seeds}}}]
"""
PLAIN = 100


def seconds(command: list[str], folder: Path, environment: dict[str, str]) -> float:
    """Wall time of a command, which must succeed."""
    started = time.perf_counter()
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    return time.perf_counter() - started


def measure(cluster: Cluster, folder: Path, trials: int) -> None:
    """Print both."""
    environment = {**os.environ, **cluster.environment, "PYTHONPATH": str(ROOT)}
    (folder / "many.yaml").write_text(SWEEP.format(seeds=trials), encoding="utf-8")
    (folder / "profiles.yaml").write_text("here: {options: {hold: true}}\n", encoding="utf-8")
    sambench = [sys.executable, "-m", "bench"]
    run = [*sambench, "run", "many.yaml", "--on", "slurm", "--profile-file", "profiles.yaml"]
    queueing = seconds(run, folder, environment)
    asking = seconds([*sambench, "status", "many.yaml"], folder, environment)
    one = ["sbatch", "--hold", "--output=/dev/null", "--wrap=true"]
    plain = sum(seconds(one, folder, environment) for _ in range(PLAIN)) / PLAIN * trials
    tell(f"queue {trials} trials", queueing, at_most=60, unit=" s")
    tell("status of them", asking, at_most=2, unit=" s")
    print(f"one sbatch per trial / ours: {plain / queueing:.1f}")


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="500 trials")
    arguments = parser.parse_args()
    if missing := missing_programs():
        print(f"skipped: SLURM is not installed: no {', '.join(missing)}")
        return
    with tempfile.TemporaryDirectory(prefix="sambench-") as name, Cluster(Path(name) / "slurm") as cluster:
        folder = Path(name) / "work"
        folder.mkdir()
        measure(cluster, folder, 500 if arguments.quick else 5000)


if __name__ == "__main__":
    main()
