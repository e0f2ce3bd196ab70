"""Damage: one byte of one file changed, or its end cut off, as a failing disk or a broken copy would."""

from __future__ import annotations

import os
import random
import re
import shutil
from pathlib import Path
from typing import NamedTuple

from bench.store import Store, compact, files, states
from bench.store.measured import add_measure
from tests.chaos.recorded import MEASURE, measured_value, work_on
from tests.chaos.truth import Truth, recorded, recorded_weights

KINDS = {
    "store.json": r"store\.json",
    "trial.json": r"trials/\w+/trial\.json",
    "claim": r"trials/\w+/attempts/\d+\.claim",
    "record": r"trials/\w+/attempts/\d+\.parquet",
    "history": r"trials/\w+/history\.parquet",
    "measures": r"trials/\w+/measures\.parquet",
    "later measure": r"trials/\w+/measures/\w+\.parquet",
    "weights": r"trials/\w+/weights\.safetensors",
    "checkpoint": r"trials/\w+/checkpoint\.pt",
    "log": r"trials/\w+/log\.txt",
    "manifest": r"compact/manifest-.*",
    **{
        f"compacted {table}": rf"compact/\w+-{table}\.parquet"
        for table in ("trials", "attempts", "history", "measures", "results", "index")
    },
}
"""Kind of file → its path in a store."""


class Damage(NamedTuple):
    """What was done to one file."""

    kind: str
    path: Path
    what: str

    def __str__(self) -> str:
        return f"{self.kind} {self.path.parent.name}/{self.path.name}: {self.what}"


def kind_of(path: Path, root: Path) -> str:
    """Kind of a file of a store; empty for one that nobody reads."""
    relative = path.relative_to(root).as_posix()
    return next((kind for kind, pattern in KINDS.items() if re.fullmatch(pattern, relative)), "")


def make_store(root: Path, sweep: Path) -> Truth:
    """A store that has every kind of file; the truth is of its sweep, of which some trials aren't done."""
    truth = recorded(sweep, 4)
    store, ids = Store.create(root), list(truth.accuracy)
    store.add(truth.trials.values())
    for trial_id in ids[:4]:
        _finish(store, truth, trial_id)
    compact(store)
    # Of a compacted trial, and of one that isn't.
    for trial_id in ids[4:8]:
        _finish(store, truth, trial_id)
    for trial_id in (ids[0], ids[4]):
        add_measure(store.folder(trial_id), MEASURE, measured_value(trial_id))
    for trial_id in ids:
        store.folder(trial_id).log.write_text("attempt 1\n epoch 1/3: test accuracy 50.0 %, 1.0 s\n", encoding="utf-8")
    files.write(store.folder(ids[8]).checkpoint, recorded_weights(ids[8], 1))
    pid = os.fork()
    if pid == 0:
        # The claim of a worker that is gone.
        work_on(store, truth.trials[ids[8]], dies=True)
    os.waitpid(pid, 0)
    return truth


def strike(root: Path, chance: random.Random, kind: str) -> Damage | None:
    """Damage one file of this kind; None if the store has none that can be."""
    found = sorted(path for path in root.rglob("*") if path.is_file() and kind_of(path, root) == kind)
    able = [path for path in found if path.stat().st_size]
    if not able:
        return None
    path = chance.choice(able)
    data, before = bytearray(path.read_bytes()), path.stat()
    place = chance.randrange(len(data))
    if chance.random() < 0.8:
        mask = 1 << chance.randrange(8) if chance.random() < 0.8 else chance.randrange(1, 256)
        data[place] ^= mask
        what = f"byte {place} of {len(data)} xor {mask}"
    else:
        del data[place:]
        what = f"cut to {place} of {before.st_size} bytes"
    # Not in place: other copies of the store share the file.
    path.unlink()
    path.write_bytes(data)
    if chance.random() < 0.5:
        # A disk that fails doesn't change the time.
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        what += ", time kept"
    return Damage(kind, path, what)


def copy(source: Path, target: Path) -> None:
    """A copy that shares all files."""
    shutil.copytree(source, target, copy_function=os.link)


def _finish(store: Store, truth: Truth, trial_id: str) -> None:
    while states(store, [trial_id])[trial_id].status != "done":
        work_on(store, truth.trials[trial_id])
