"""Drivers of runs as processes of their own, and who works for them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bench.store import Store
from bench.store.claims.claim import last_number
from bench.store.progress import read_progress
from tests.conftest import command_environment

SWEEP = """
title: "Alone"
grid: {dataset: digits, model: resnet8, optimizer: sgd, lr: 0.05, weight_decay: 5e-4, batch_size: 256, epochs: 12}
methods: [{seed: 1}]
"""
"""One trial that takes long enough to be killed."""


@contextmanager
def driver(sweep: Path, on: str) -> Iterator[subprocess.Popen[str]]:
    """`sambench run`, in a process group of its own, gone at the end whatever happens."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench", "run", str(sweep), "--on", on],
        cwd=sweep.parent,
        env=command_environment(sweep.parent),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def holder_in_training(root: Path) -> int:
    """Process id of a worker that has finished an epoch of a trial and has some left; 0 if there is none."""
    if not (root / "store.json").exists():
        return 0
    for folder in Store.open(root).folders():
        number, at = last_number(folder), read_progress(folder)
        early = at is not None and 4 * at.epoch < 3 * at.epochs
        if early and number and not folder.attempt(number).exists():
            return int(json.loads(folder.claim(number).read_text())["pid"])
    return 0


def descendants(pid: int) -> list[int]:
    """The processes that a process started, and those that they did."""
    found = []
    with suppress(FileNotFoundError):
        for task in Path("/proc", str(pid), "task").iterdir():
            for child in map(int, (task / "children").read_text().split()):
                found += [child, *descendants(child)]
    return found
