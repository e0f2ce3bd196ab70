"""Trials that are trained again or forgotten, what a store says of them, and kills at every step."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.store import Store, query
from bench.store.measured import Quantity, add_measure
from bench.store.upkeep.again import clear
from bench.trial import Trial
from tests.shared.store import finish
from tests.store.interrupted import STEPS, Killed, die_at

Make = Callable[..., Trial]
CHANGES = tuple(step for step in STEPS if step != "fsync")
THIRD = 3
"""Every third step in one test, and the others in two more."""
RANK = Quantity("feature_rank", "{}")


def trained(store: Store, trial: Trial, value: float) -> str:
    """As a worker leaves a trial: with a log and weights, and a measure that was taken later."""
    finish(store, trial, test_accuracy=value)
    folder = store.folder(trial.trial_id)
    folder.log.write_text(f"{value}\n", encoding="utf-8")
    folder.weights.write_bytes(str(value).encode())
    add_measure(folder, RANK, value)
    return trial.trial_id


def again(store: Store, trial: Trial, value: float) -> None:
    """What a worker does with a trial that is to be trained again."""
    clear(store.folder(trial.trial_id))
    trained(store, trial, value)


def results(store: Store) -> list[tuple[Any, ...]]:
    rows = query(store, "SELECT seed, outcome, attempt, test_accuracy, feature_rank FROM results ORDER BY seed")
    return [tuple(row.values()) for row in rows.to_pylist()]


def superseded(store: Store) -> list[tuple[Any, ...]]:
    rows = query(store, "SELECT attempt, measure, value FROM superseded ORDER BY ALL").to_pylist()
    return [tuple(row.values()) for row in rows]


def at_every_step(
    tmp_path: Path,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Store], object],
    then: Callable[[Store, bool], None],
    first_step: int,
) -> int:
    """Let `change` die at every third of its changes of files, and look at what it leaves; how many changes."""
    number, died, looked_at = first_step, True, set[str]()
    while died:
        copy = Store(tmp_path / f"copy-{number}")
        shutil.copytree(store.root, copy.root)
        with monkeypatch.context() as deadly:
            # Not those that only wait for the disk: they change nothing.
            die_at(deadly, number, CHANGES)
            try:
                change(copy)
                died = False
            except Killed:
                pass
        left = listing(copy)
        if left not in looked_at or not died:
            then(copy, died)
            looked_at.add(left)
        shutil.rmtree(copy.root)
        number += THIRD
    return number


def listing(store: Store) -> str:
    """Which files there are, but for temporary ones and the names of new parts."""
    files = sorted(str(path.relative_to(store.root)) for path in store.root.rglob("*") if ".tmp-" not in path.name)
    return re.sub(r"\b[0-9a-f]{12}\b|[0-9a-f]{32}", "*", "\n".join(files))
