"""State: where each trial stands, read from its attempts and claims."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bench.store.attempt import FINAL, MOST_CRASHES
from bench.store.claim import is_dead, last_number
from bench.store.layout import Store, TrialFolder
from bench.store.query import connect, damaged_files

Status = Literal["done", "failed", "running", "missing"]


@dataclass(frozen=True, kw_only=True)
class State:
    """Where one trial stands."""

    status: Status
    """`missing` covers what was never tried, was interrupted, or crashed and may try again."""
    attempts: int = 0
    """Number of the newest attempt that is over."""
    outcome: str | None = None
    """How that attempt ended."""
    message: str = ""
    """Its error."""
    wall_s: float | None = None


def states(store: Store, trial_ids: Iterable[str]) -> dict[str, State]:
    """The state of each trial, in the order given."""
    rows = (
        connect(store, ["attempts"])
        .execute(
            """
            SELECT trial_id, max(attempt) AS newest, arg_max(outcome, attempt), arg_max(message, attempt),
                   arg_max(wall_s, attempt), count(*) FILTER (outcome = 'crashed')
            FROM attempts GROUP BY trial_id
            """
        )
        .fetchall()
    )
    ended = {row[0]: row[1:] for row in rows}
    return {trial_id: _state(store, store.folder(trial_id), ended.get(trial_id)) for trial_id in trial_ids}


def open_attempt(store: Store, folder: TrialFolder) -> int | None:
    """Number of the attempt that a live worker holds, if any."""
    number = last_number(folder)
    if not number or folder.attempt(number).exists():
        return None
    claim = folder.claim(number)
    try:
        holder, touched = json.loads(claim.read_text(encoding="utf-8")), claim.stat().st_mtime
    except FileNotFoundError:
        return None
    return None if is_dead(store, holder, touched) else number


def set_aside_damaged(store: Store, trial_ids: Iterable[str]) -> dict[Path, str]:
    """Move those trials that have a damaged file out of the way, so that they can run again; file → reason."""
    damaged = {
        path: reason
        for folder in map(store.folder, trial_ids)
        if folder.path.exists()
        for path, reason in _damage(folder).items()
        if open_attempt(store, folder) is None
    }
    for trial_id in {path.relative_to(store.root).parts[1] for path in damaged}:
        store.set_aside(store.folder(trial_id))
    return damaged


def _damage(folder: TrialFolder) -> dict[Path, str]:
    parquet = [*folder.attempts.glob("*.parquet"), folder.history, folder.measures]
    damaged = damaged_files(parquet)
    try:
        json.loads(folder.trial.read_text(encoding="utf-8"))
    except FileNotFoundError:
        damaged[folder.trial] = "is missing"
    except ValueError as error:
        damaged[folder.trial] = str(error)
    return damaged


def _state(store: Store, folder: TrialFolder, ended: tuple[int, str, str, float, int] | None) -> State:
    if ended is None:
        running = open_attempt(store, folder) is not None
        return State(status="running" if running else "missing")
    newest, outcome, message, wall_s, crashes = ended
    status: Status = "missing"
    if outcome == "done":
        status = "done"
    elif open_attempt(store, folder) is not None:
        status = "running"
    elif outcome in FINAL or crashes >= MOST_CRASHES:
        status = "failed"
    return State(status=status, attempts=newest, outcome=outcome, message=message, wall_s=wall_s)
