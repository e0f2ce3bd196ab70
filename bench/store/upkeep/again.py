"""Again: retraining a done trial; its earlier result stays, superseded.

In this order, so that it may be killed anywhere: what was measured, the epochs and, as second names, weights, outputs
and log are put under `superseded/`; then one record, created once, says that the attempts up to now count no more. Only
then, and before whoever claims the trial trains it, the first names are removed: those of the very same files.
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.resources import Retries
from bench.store import files
from bench.store.arrow import table_of
from bench.store.attempt import SUPERSEDED, Attempt, record
from bench.store.claims.claim import last_number
from bench.store.claims.lease import is_leased
from bench.store.compacted import manifest
from bench.store.files import plain
from bench.store.folder import HISTORY, LATER, StoreError, TrialFolder, superseded_trial
from bench.store.measured import history_of
from bench.store.read.query import connect
from bench.store.results import HISTORY_SCHEMA, SUPERSEDED_SCHEMA
from bench.store.state import state_of
from bench.store.store import Store


def supersede(store: Store, trial_id: str) -> bool:
    """Let a done trial be trained again; False if it isn't done. StoreError if it is being measured."""
    folder = store.folder(trial_id)
    if state_of(store, folder, Retries()).status != "done":
        return False
    if obstacle := folder.obstacle(to_write=True):
        raise StoreError(obstacle)
    if folder.path.exists() and is_leased(store, folder):
        raise StoreError(f"trial {trial_id} is being measured; train it again when that is over")
    number = max(last_number(folder), manifest.current(store.root).attempts(trial_id))
    _keep(store, folder, number)
    try:
        record(folder, _marker(trial_id, number + 1))
    except FileExistsError:
        return False
    clear(folder)
    return True


def clear(folder: TrialFolder) -> None:
    """Remove from a trial's folder what `superseded/` has too; may be repeated at any time."""
    kept = folder.superseded(0).parent
    for name in plain.names(kept):
        if superseded_trial(name) == folder.trial_id:
            for path in _files_in(kept / name):
                first = folder.path / path.relative_to(kept / name)
                with suppress(FileNotFoundError):
                    if os.path.samestat(os.lstat(path), os.lstat(first)):
                        os.unlink(first)


def _keep(store: Store, folder: TrialFolder, number: int) -> None:
    """Put what the training left under `superseded/`; what is there already stays."""
    place = folder.superseded(number)
    files.make_folder(place.parent)
    files.make_folder(place)
    files.make_folder(place / LATER)
    names = [folder.weights, folder.outputs, folder.log, folder.history, folder.measures]
    for path in (*names, *(folder.later_measures() if folder.later.is_dir() else ())):
        with suppress(FileNotFoundError, FileExistsError):
            os.link(path, place / path.relative_to(folder.path), follow_symlinks=False)
    if not (place / HISTORY).exists():
        epochs = table_of(history_of(store, folder.trial_id), HISTORY_SCHEMA)
        files.write(place / HISTORY, files.small_parquet_bytes(epochs, with_rows=False))
    measured = table_of(_measured(store, folder.trial_id), SUPERSEDED_SCHEMA)
    files.write(place.with_suffix(".parquet"), files.small_parquet_bytes(measured, with_rows=True))


def _measured(store: Store, trial_id: str) -> list[dict[str, Any]]:
    """What was measured of the training that counts."""
    with connect(store, ["measures", "attempts"], only=[trial_id]) as connection:
        cursor = connection.execute(
            """SELECT attempt, measures.* FROM measures JOIN attempts USING (trial_id)
            WHERE outcome = 'done' AND NOT superseded ORDER BY measure, settings"""
        )
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _marker(trial_id: str, number: int) -> Attempt:
    now = datetime.now(UTC)
    return Attempt(
        trial_id=trial_id,
        attempt=number,
        outcome=SUPERSEDED,
        message="to be trained again",
        started=now,
        ended=now,
        wall_s=0.0,
        launcher="again",
        host=socket.gethostname(),
        pid=os.getpid(),
    )


def _files_in(folder: Path) -> list[Path]:
    return [Path(parent, name) for parent, _, names in os.walk(folder) for name in names]
