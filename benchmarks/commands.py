"""How fast the read-only commands answer, as whole processes. Targets: `--help` 0.2 s, `plan` and `query` 0.5 s.

In processor time, with all modules compiled, as an installation has them. The reference that alternates with them is a
process that only imports torch, which is what they avoid.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from claims import tell

ROUNDS = 7
SWEEP = Path(__file__).resolve().parent.parent / "sweeps" / "demo.yaml"
TARGETS = {"--help": 0.2, "plan": 0.5, "query": 0.5}


def seconds(command: list[str], compiled: str) -> float:
    """Processor seconds of one process; `compiled` is where it keeps compiled modules."""
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": compiled}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Print the median of each command, its target and its ratio to importing torch."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="three rounds")
    rounds = 3 if parser.parse_args().quick else ROUNDS
    with tempfile.TemporaryDirectory() as folder:
        store, compiled = str(Path(folder) / "store"), str(Path(folder) / "compiled")
        subprocess.run([sys.executable, "-c", f"from bench.store import Store; Store.create({store!r})"], check=True)
        sambench = [sys.executable, "-m", "bench"]
        commands = {
            "--help": [*sambench, "--help"],
            "plan": [*sambench, "plan", str(SWEEP), "--store", store],
            "query": [*sambench, "query", "SELECT * FROM results", "--store", store],
            "import torch": [sys.executable, "-c", "import torch"],
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        # The first time of each compiles, and counts for nothing.
        for number in range(rounds + 1):
            for name, command in commands.items():
                taken = seconds(command, compiled)
                if number:
                    times[name].append(taken)
    torch = statistics.median(times["import torch"])
    for name, target in TARGETS.items():
        median = statistics.median(times[name])
        tell(name, median, at_most=target, unit=" s")
        print(f"  {median / torch:.2f} of importing torch")


if __name__ == "__main__":
    main()
