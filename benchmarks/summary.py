"""All benchmarks in their quick form, and on one screen what they found beside its goal.

    python benchmarks/summary.py [--json FILE] [--only NAME …]
    python benchmarks/summary.py --compare EARLIER.json LATER.json

What each prints is shown as it comes. With `--json` the figures are kept, with the machine and the commit;
`--compare` puts those of two files side by side. One that fails is told and does not keep the others from running.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from claims import RECORD, Claim
from rich.console import Console
from rich.table import Table

FOLDER = Path(__file__).resolve().parent
NAMES = ("commands", "expansion", "store", "submission", "overhead", "input", "step", "epoch", "small")


def run(name: str, record: Path) -> float | None:
    """Seconds that a benchmark took; None if it failed."""
    started = time.perf_counter()
    print(f"\n── {name}", flush=True)
    environment = {**os.environ, RECORD: str(record)}
    done = subprocess.run([sys.executable, str(FOLDER / f"{name}.py"), "--quick"], env=environment, check=False)
    return time.perf_counter() - started if done.returncode == 0 else None


def read(record: Path) -> list[Claim]:
    """The claims that a benchmark left."""
    text = record.read_text(encoding="utf-8") if record.exists() else ""
    return [Claim(**json.loads(line)) for line in text.splitlines()]


def machine() -> dict[str, Any]:
    """What the figures were measured on, and of which code."""
    model = [line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=FOLDER, capture_output=True, text=True, check=False)
    return {
        "processor": model[0] if model else platform.machine(),
        "processors": len(os.sched_getaffinity(0)),
        "load": round(os.getloadavg()[0], 1),
        "commit": commit.stdout.strip() or None,
    }


def _lines(file: str) -> list[str]:
    path = Path(file)
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def summarize(found: dict[str, list[Claim]], seconds: dict[str, float | None]) -> None:
    """One screen."""
    table = Table("benchmark", "figure", "measured", "goal", "", box=None, padding=(0, 2, 0, 0))
    for name, claims in found.items():
        for number, each in enumerate(claims):
            verdict = "" if each.met else "[bold]missed"
            table.add_row("" if number else name, each.name, f"{each.value:.4g}{each.unit}", each.bound, verdict)
        if seconds[name] is None:
            table.add_row(name, "[bold]failed")
    Console().print("\n", table)
    met = sum(each.met for claims in found.values() for each in claims)
    total = sum(map(len, found.values()))
    took = sum(filter(None, seconds.values())) / 60
    print(f"\n{met} of {total} goals met, in {took:.0f} minutes, at a load of {machine()['load']}")


def compare(earlier: Path, later: Path) -> None:
    """Two records side by side, with the ratio of each figure."""
    before, after = (json.loads(file.read_text(encoding="utf-8")) for file in (earlier, later))
    print("\n".join(f"{name}: {record['machine']}" for name, record in (("earlier", before), ("later", after))))
    table = Table("benchmark", "figure", "earlier", "later", "later/earlier", box=None)
    for name, claims in after["claims"].items():
        known = {each["name"]: each["value"] for each in before["claims"].get(name, [])}
        for each in claims:
            old = known.get(each["name"])
            cells = ["–", "–"] if old is None else [f"{old:.3g}", f"{each['value'] / old:.2f}"]
            table.add_row(name, each["name"], cells[0], f"{each['value']:.3g}{each['unit']}", cells[1])
    Console().print(table)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES)
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--compare", nargs=2, type=Path, metavar=("EARLIER", "LATER"))
    arguments = parser.parse_args()
    if arguments.compare:
        compare(*arguments.compare)
        return
    found, seconds = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.only:
            seconds[name] = run(name, Path(folder) / name)
            found[name] = read(Path(folder) / name)
    summarize(found, seconds)
    if arguments.json:
        claims = {name: [vars(each) for each in claims] for name, claims in found.items()}
        arguments.json.write_text(json.dumps({"machine": machine(), "claims": claims}, indent=1), encoding="utf-8")
    if None in seconds.values():
        sys.exit(1)


if __name__ == "__main__":
    main()
