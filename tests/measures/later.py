"""Later: measures taken of trained models, in this process or by the command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bench.measures.names import parse
from bench.resources import Resources
from bench.store import Store, query
from bench.sweep import Sweep
from cluster.job import Job
from cluster.measuring import Taken, missing, take_missing
from tests.conftest import command_environment


def take(store: Store, sweep: Sweep, *names: str, on: str = "inline") -> list[Taken]:
    """Everything of these measures that is missing, in this process."""
    tasks = missing(store, [trial.trial_id for trial in sweep.trials], map(parse, names))
    return list(take_missing(Job(store=store.root, launcher=on, resources=Resources(gpus=0)), tasks))


def values(store: Store) -> dict[str, float]:
    rows = query(store, "SELECT trial_id, measure, settings, value FROM measures").to_pylist()
    found = {f"{row['trial_id']} {row['measure']} {row['settings']}": row["value"] for row in rows}
    assert len(found) == len(rows), "a measure has two values"
    return found


def times_measured(store: Store, name: str) -> int:
    logs = (folder.log.read_text(encoding="utf-8") for folder in store.folders())
    return sum(log.count(f"measured {name}: ") for log in logs)


def start(file: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "bench", "measure", str(file), *arguments],
        cwd=file.parent,
        env=command_environment(file.parent),
        stderr=subprocess.PIPE,
        text=True,
    )


def accuracies(store: Store) -> dict[str, float]:
    rows = query(store, "SELECT trial_id, test_accuracy FROM results").to_pylist()
    return {row["trial_id"]: row["test_accuracy"] for row in rows}
