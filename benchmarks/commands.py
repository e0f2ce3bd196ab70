"""How fast the read-only commands answer, as whole processes. Targets: `--help` 0.4 s, `plan` and `query` 0.8 s.

The reference that alternates with them is a process that only imports torch, which is what they avoid.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from claims import tell

ROUNDS = 7
SWEEP = Path(__file__).resolve().parent.parent / "sweeps" / "demo.yaml"
TARGETS = {"--help": 0.4, "plan": 0.8, "query": 0.8}


def seconds(command: list[str]) -> float:
    """Wall seconds of one process."""
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - started


def main() -> None:
    """Print the median of each command, its target and its ratio to importing torch."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="three rounds")
    rounds = 3 if parser.parse_args().quick else ROUNDS
    with tempfile.TemporaryDirectory() as folder:
        store = str(Path(folder) / "store")
        subprocess.run([sys.executable, "-c", f"from bench.store import Store; Store.create({store!r})"], check=True)
        sambench = [sys.executable, "-m", "bench"]
        commands = {
            "--help": [*sambench, "--help"],
            "plan": [*sambench, "plan", str(SWEEP), "--store", store],
            "query": [*sambench, "query", "SELECT * FROM results", "--store", store],
            "import torch": [sys.executable, "-c", "import torch"],
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(rounds):
            for name, command in commands.items():
                times[name].append(seconds(command))
    torch = statistics.median(times["import torch"])
    for name, target in TARGETS.items():
        median = statistics.median(times[name])
        tell(name, median, at_most=target, unit=" s")
        print(f"  {median / torch:.2f} of importing torch")


if __name__ == "__main__":
    main()
