"""Measured: what is measured on a model after its training, each quantity in a file of its own.

`measures/KEY.parquet` holds one row; KEY is a hash of measure and settings. Whoever creates it first wins, so that
nothing that another process took is lost. For a trial that may be compacted a mark is left first, as for attempts.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bench.store import files
from bench.store.compacted import manifest, marks
from bench.store.files import plain
from bench.store.folder import TrialFolder
from bench.store.read.loose import damaged_files, read_table
from bench.store.read.query import Readable, connect
from bench.store.results import MEASURES_SCHEMA
from bench.store.store import Store

_log = logging.getLogger(__name__)


class Quantity(NamedTuple):
    """A measure with its settings, as the table `measures` has them."""

    measure: str
    settings: str
    """Canonical JSON of those that differ from the defaults."""


def file_of(folder: TrialFolder, quantity: Quantity) -> Path:
    """Where the quantity is while it isn't compacted."""
    digest = hashlib.sha256("\n".join(quantity).encode()).hexdigest()
    return folder.later / f"{digest[:16]}.parquet"


def add_measure(
    folder: TrialFolder,
    quantity: Quantity,
    value: float,
    *,
    counts: Sequence[int] | None = None,
    code: str | None = None,
) -> bool:
    """Write a quantity of a trial that is over; False if it was there. A damaged file of it is set aside.

    `counts` are those of a histogram's bins, `code` is the fingerprint of the measure's own code.
    """
    from bench.store.arrow import table_of

    path = file_of(folder, quantity)
    files.make_folder(folder.later)
    row = {"trial_id": folder.trial_id, **quantity._asdict(), "value": value, "code": code}
    row |= {"counts": json.dumps(counts, separators=(",", ":"))} if counts is not None else {}
    data = files.small_parquet_bytes(table_of([row], MEASURES_SCHEMA), with_rows=True)
    if any(map(plain.is_damage, damaged_files([path], MEASURES_SCHEMA).values())):
        os.replace(path, path.with_suffix(".damaged"))
    mark = marks.mark_measures(folder.root, folder.trial_id)
    try:
        files.create(path, data)
    except FileExistsError:
        return False
    finally:
        if not mark.exists():
            # This process was suspended for so long that a compaction took the mark for that of a file it had read.
            marks.mark_measures(folder.root, folder.trial_id)
    return True


def is_measured(store: Store, folder: TrialFolder, quantity: Quantity) -> bool:
    """Whether a trial has the quantity now, in its folder or compacted."""
    for path in (file_of(folder, quantity), folder.measures):
        rows = read_table(path, MEASURES_SCHEMA)
        if rows is not None and not isinstance(rows, str) and quantity in _quantities(rows.to_pylist()):
            return True
    held = manifest.current(store.root).rows("measures", folder.trial_id, list(Quantity._fields))
    return quantity in _quantities(held)


def mark_changed(folder: TrialFolder, quantity: Quantity) -> None:
    """Mark the trial again if a compaction removed the mark of a file that it didn't read."""
    if file_of(folder, quantity).exists():
        marks.mark_measures(folder.root, folder.trial_id)


def measured(store: Store, trial_ids: Iterable[str]) -> dict[str, set[Quantity]]:
    """What was taken of each trial."""
    ids = list(trial_ids)
    found: dict[str, set[Quantity]] = {trial_id: set() for trial_id in ids}
    with connect(store, ["measures"], only=ids) as connection:
        for trial_id, *quantity in connection.execute("SELECT trial_id, measure, settings FROM measures").fetchall():
            found[trial_id].add(Quantity(*quantity))
    return found


def counts_of(stores: Readable, trial_ids: Iterable[str], quantity: Quantity) -> dict[str, list[int]]:
    """Trial → counts of a histogram, for those that have it; anything else is logged and left out."""
    sql = "SELECT trial_id, counts FROM measures WHERE measure = $measure AND settings = $settings AND counts NOT NULL"
    ids = list(trial_ids)
    with connect(stores, ["measures"], only=ids) as connection:
        rows = connection.execute(sql, quantity._asdict()).fetchall()
    found = {trial_id: _counts(text) for trial_id, text in rows}
    for trial_id in (trial_id for trial_id, counts in found.items() if counts is None):
        _log.warning("trial %s: the counts of its %s are no list of numbers", trial_id, quantity.measure)
    return {trial_id: counts for trial_id, counts in found.items() if counts is not None}


def _counts(text: str) -> list[int] | None:
    try:
        counts = json.loads(text)
    except (ValueError, RecursionError):
        return None
    whole = isinstance(counts, list) and all(isinstance(count, int) and count >= 0 for count in counts)
    return counts if whole else None


def history_of(store: Store, trial_id: str) -> list[dict[str, object]]:
    """One row per epoch of a trial, in their order."""
    with connect(store, ["history"], only=[trial_id]) as connection:
        cursor = connection.execute("SELECT * FROM history ORDER BY epoch")
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _quantities(rows: Iterable[dict[str, Any]]) -> set[Quantity]:
    return {Quantity(row["measure"], row["settings"]) for row in rows}
