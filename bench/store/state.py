"""State: where each trial stands, read from its attempts and claims."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from bench.store.attempt import ATTEMPT_SCHEMA, FAILURES, SUPERSEDED, is_over, read
from bench.store.claims.claim import last_number
from bench.store.claims.lease import is_dead, read_holder
from bench.store.compacted import manifest
from bench.store.damage import Damaged
from bench.store.files import plain
from bench.store.folder import TrialFolder, check_description
from bench.store.read import snapshot
from bench.store.read.loose import damaged_files
from bench.store.read.query import Readable, as_list, connect
from bench.store.results import HISTORY_SCHEMA, MEASURES_SCHEMA
from bench.store.store import Store

if TYPE_CHECKING:
    from bench.resources import Retries

Status = Literal["done", "pruned", "failed", "running", "cancelled", "missing"]


@dataclass(frozen=True, kw_only=True)
class State:
    """Where one trial stands."""

    status: Status
    """`missing` covers what was never tried, was interrupted, or failed and may try again; `pruned` is over."""
    attempts: int = 0
    """Number of the newest attempt that is over."""
    outcome: str | None = None
    """How that attempt ended."""
    message: str = ""
    """Its error."""
    wall_s: float | None = None
    store: Store | None = None
    """Whose state this is, where stores were asked."""


class Ended(NamedTuple):
    """An attempt that is over."""

    attempt: int
    outcome: str | None
    message: str
    wall_s: float | None


_COLUMNS = ["attempt", "outcome", "message", "wall_s"]


def states(
    stores: Readable, trial_ids: Iterable[str], retries: Retries | None = None, *, prunes: bool = False
) -> dict[str, State]:
    """The state of each trial, in the order given.

    Of several stores that of the first in which the trial is done, else in which a worker is at it, else in which it
    was tried. `prunes`: whether they are asked for by a sweep that stops trials early. For one that doesn't, a trial
    that was stopped so is missing, and goes on from where it stopped.
    """
    # Here, because it takes pydantic, which a query can do without.
    from bench.resources import Retries

    trial_ids, retries = list(trial_ids), retries or Retries()
    each = [_states(store, trial_ids, retries, prunes) for store in as_list(stores)]
    return {trial_id: min((found[trial_id] for found in each), key=_precedence) for trial_id in trial_ids}


def _precedence(state: State) -> int:
    if state.status in ("done", "running"):
        return ("done", "running").index(state.status)
    return 2 if state.attempts else 3


def _states(store: Store, trial_ids: list[str], retries: Retries, prunes: bool) -> dict[str, State]:
    ended: dict[str, list[Ended]] = {}
    for trial_id, *attempt in [] if snapshot.is_empty(store) else _attempts(store, trial_ids):
        ended.setdefault(trial_id, []).append(Ended(*attempt))
    return {trial_id: _state(store, trial_id, ended.get(trial_id, []), retries, prunes) for trial_id in trial_ids}


def _attempts(store: Store, trial_ids: list[str]) -> list[tuple[Any, ...]]:
    select = "SELECT trial_id, attempt, outcome, message, wall_s FROM attempts ORDER BY trial_id, attempt"
    with connect(store, ["attempts"], only=trial_ids) as connection:
        return connection.execute(select).fetchall()


def state_of(store: Store, folder: TrialFolder, retries: Retries, *, prunes: bool = False) -> State:
    """The state of one trial, without a look at the others."""
    last = last_number(folder) or manifest.current(store.root).attempts(folder.trial_id)
    rows = [row for number in range(1, last + 1) for row in read(folder, number, _COLUMNS)]
    ended = [Ended(*(row[name] for name in _COLUMNS)) for row in rows]
    return _state(store, folder.trial_id, ended, retries, prunes)


def open_attempt(store: Store, folder: TrialFolder) -> int | None:
    """Number of the attempt that a live worker holds, if any."""
    number = last_number(folder)
    if not number or is_over(folder, number) or folder.interrupted(number).exists():
        return None
    try:
        holder, touched = read_holder(folder.claim(number))
    except FileNotFoundError:
        return None
    return None if is_dead(store, holder, touched) else number


def set_aside_damaged(store: Store, trial_ids: Iterable[str]) -> dict[Path, str]:
    """Move those trials that have a damaged file out of the way, so that they can run again; file → reason.

    Damaged if a compacted file is: its trials may all be there, so that nobody should train them again unasked.
    """
    look = snapshot.take(store, list(trial_ids))
    manifest.require(look.manifest)
    damaged = {
        path: reason
        for folder in map(store.folder, look.loose)
        if folder.path.exists() and not folder.obstacle(to_write=True)
        for path, reason in trial_damage(folder).items()
        if plain.is_damage(reason)
        if open_attempt(store, folder) is None
    }
    for trial_id in {path.relative_to(store.root).parts[1] for path in damaged}:
        store.set_aside(store.folder(trial_id).path)
    return damaged


def trial_damage(folder: TrialFolder) -> dict[Path, str]:
    """The files of a loose trial that are damaged or not readable, each with the reason.

    Later measures are not looked at: they can be taken again from the model.
    """
    # Before anything else: nobody claims a trial before its description is there.
    tried = last_number(folder)
    damaged = damaged_files(folder.attempts.glob("*.parquet"), ATTEMPT_SCHEMA)
    damaged |= damaged_files([folder.history], HISTORY_SCHEMA) | damaged_files([folder.measures], MEASURES_SCHEMA)
    try:
        check_description(folder.trial_id, plain.read(folder.trial))
    except FileNotFoundError:
        # Without a claim it isn't damaged: another process is about to add the trial.
        if tried:
            damaged[folder.trial] = "is missing"
    except (OSError, ValueError) as error:
        damaged[folder.trial] = plain.reason(error)
    return damaged


def _state(store: Store, trial_id: str, ended: list[Ended], retries: Retries, prunes: bool) -> State:
    newest = max((place for place, attempt in enumerate(ended) if attempt.outcome == SUPERSEDED), default=0)
    ended = ended[newest:]
    last = ended[-1] if ended else Ended(0, None, "", None)
    if last.outcome != "done" and (obstacle := store.folder(trial_id).obstacle()):
        # Without access it can't be run, and it mustn't keep other trials from being run.
        return State(status="failed", attempts=last.attempt, message=obstacle, store=store)
    return State(
        status=_status(store, trial_id, ended, retries, prunes),
        attempts=last.attempt,
        outcome=last.outcome,
        message=last.message,
        wall_s=last.wall_s,
        store=store,
    )


def _status(store: Store, trial_id: str, ended: list[Ended], retries: Retries, prunes: bool) -> Status:
    outcome = ended[-1].outcome if ended else None
    if outcome == "done":
        return "done"
    folder = store.folder(trial_id)
    # Unknown for a trial in a damaged part, which was logged when its attempts were read.
    with suppress(Damaged):
        if open_attempt(store, folder) is not None:
            return "running"
    if outcome == "pruned" and prunes:
        return "pruned"
    if outcome in FAILURES:
        times = sum(attempt.outcome == outcome for attempt in ended)
        if not retries.allow(str(outcome), times):
            return "failed"
    return "cancelled" if folder.cancelled.exists() else "missing"


def cancel(store: Store, trial_ids: Iterable[str]) -> tuple[int, int]:
    """Mark trials that aren't done as cancelled; how many of them run, and how many wait."""
    from bench.resources import Retries

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
