"""State: where each trial stands, read from its attempts and claims."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import pyarrow.parquet as pq

from bench.resources import Retries
from bench.store.attempt import FAILURES
from bench.store.claim import is_dead, last_number
from bench.store.layout import Store, TrialFolder
from bench.store.query import connect, damaged_files

Status = Literal["done", "failed", "running", "cancelled", "missing"]


@dataclass(frozen=True, kw_only=True)
class State:
    """Where one trial stands."""

    status: Status
    """`missing` covers what was never tried, was interrupted, or failed and may try again."""
    attempts: int = 0
    """Number of the newest attempt that is over."""
    outcome: str | None = None
    """How that attempt ended."""
    message: str = ""
    """Its error."""
    wall_s: float | None = None


class Ended(NamedTuple):
    """An attempt that is over."""

    attempt: int
    outcome: str | None
    message: str
    wall_s: float | None


_COLUMNS = ["attempt", "outcome", "message", "wall_s"]


def states(store: Store, trial_ids: Iterable[str], retries: Retries | None = None) -> dict[str, State]:
    """The state of each trial, in the order given."""
    rows = (
        connect(store, ["attempts"])
        .execute("SELECT trial_id, attempt, outcome, message, wall_s FROM attempts ORDER BY trial_id, attempt")
        .fetchall()
    )
    ended: dict[str, list[Ended]] = {}
    for trial_id, *attempt in rows:
        ended.setdefault(trial_id, []).append(Ended(*attempt))
    retries = retries or Retries()
    return {trial_id: _state(store, store.folder(trial_id), ended.get(trial_id, []), retries) for trial_id in trial_ids}


def state_of(store: Store, folder: TrialFolder, retries: Retries) -> State:
    """The state of one trial, without a look at the others."""
    ended = []
    for number in range(1, last_number(folder) + 1):
        try:
            (row,) = pq.read_table(folder.attempt(number), columns=_COLUMNS).to_pylist()
        except FileNotFoundError:
            continue
        ended.append(Ended(*(row[name] for name in _COLUMNS)))
    return _state(store, folder, ended, retries)


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


def _state(store: Store, folder: TrialFolder, ended: list[Ended], retries: Retries) -> State:
    last = ended[-1] if ended else Ended(0, None, "", None)
    return State(
        status=_status(store, folder, ended, retries),
        attempts=last.attempt,
        outcome=last.outcome,
        message=last.message,
        wall_s=last.wall_s,
    )


def _status(store: Store, folder: TrialFolder, ended: list[Ended], retries: Retries) -> Status:
    outcome = ended[-1].outcome if ended else None
    if outcome == "done":
        return "done"
    if open_attempt(store, folder) is not None:
        return "running"
    if outcome in FAILURES:
        times = sum(attempt.outcome == outcome for attempt in ended)
        if not retries.allow(str(outcome), times):
            return "failed"
    return "cancelled" if folder.cancelled.exists() else "missing"


def cancel(store: Store, trial_ids: Iterable[str]) -> tuple[int, int]:
    """Mark trials that aren't done as cancelled; how many of them run, and how many wait."""
    running = waiting = 0
    for trial_id in trial_ids:
        folder = store.folder(trial_id)
        status = state_of(store, folder, Retries()).status
        if status not in ("running", "missing") or not folder.path.exists():
            continue
        folder.cancelled.touch()
        running += status == "running"
        waiting += status == "missing"
    return running, waiting
