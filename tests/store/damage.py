"""Damage of one byte or one cut to any file of a store, and what readers may answer then.

Readers say the truth, or leave something out and name the file. `strike` damages a file for a while, `answers` is what
all readers say, and `faults` compares that with what they said before.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

from bench.board import show_board
from bench.store import TABLES, Store, connect, states
from bench.store.upkeep.check import check
from bench.sweep import Sweep

UNREAD = ("log.txt", "weights.safetensors", "checkpoint.pt")
"""Files that no reader of results looks into."""
_KEYS = {
    "trials": ("trial_id",),
    "attempts": ("trial_id", "attempt"),
    "history": ("trial_id", "epoch"),
    "measures": ("trial_id", "measure", "settings"),
    "results": ("trial_id",),
}

Row = dict[str, Any]


class Blow(NamedTuple):
    """One damage."""

    path: Path
    kind: Literal["flip", "cut"]
    place: int
    """Bit that is flipped, or byte from which the file is cut."""

    def __str__(self) -> str:
        return f"{self.kind} at {self.place} of {self.path}"


@dataclass
class Answers:
    """What all readers say of a store."""

    rows: dict[str, dict[tuple[Any, ...], Row]] = field(default_factory=dict)
    """Table → key → row."""
    status: dict[str, str] = field(default_factory=dict)
    board: list[Mapping[str, Any]] = field(default_factory=list)
    said: set[Path] = field(default_factory=set)
    """Files that query and status named as left out."""
    on_board: str = ""
    """The notes of the board."""
    checked: set[Path] = field(default_factory=set)
    """Files that `store check` found damaged."""


def files_of(root: Path) -> list[Path]:
    """Every file of a store that can be damaged and is read."""
    return sorted(
        path for path in root.rglob("*") if path.is_file() and path.stat().st_size and path.name not in UNREAD
    )


def blows(root: Path, random_: random.Random, each: int = 1) -> Iterator[Blow]:
    """A few flips and cuts of every file."""
    for path in files_of(root):
        size = path.stat().st_size
        for _ in range(each):
            yield Blow(path, "flip", random_.randrange(8 * size))
            yield Blow(path, "cut", random_.randrange(size))


@contextmanager
def strike(blow: Blow) -> Iterator[None]:
    """Inside, the file is damaged."""
    whole = blow.path.read_bytes()
    data = bytearray(whole)
    if blow.kind == "flip":
        data[blow.place // 8] ^= 1 << blow.place % 8
    else:
        del data[blow.place :]
    blow.path.write_bytes(data)
    try:
        yield
    finally:
        blow.path.write_bytes(whole)


def answers(root: Path, sweep: Sweep) -> Answers:
    """Ask all readers, as a process does that was just started."""
    store, found = Store.open(root), Answers()
    for table in TABLES:
        with connect(store, [table]) as connection:
            rows = connection.sql(f"SELECT * FROM {table}").to_arrow_table().to_pylist()
        found.rows[table] = {tuple(row[name] for name in _KEYS[table]): row for row in rows}
        assert len(found.rows[table]) == len(rows), f"{table} has a row twice"
    ids = [trial.trial_id for trial in sweep.trials]
    found.status = {trial_id: state.status for trial_id, state in states(store, ids).items()}
    found.said = set(store.left_out)
    page = show_board(fresh := Store.open(root), sweep)
    found.board, found.on_board = list(page.records), "\n".join(page.notes)
    assert not {path for path in fresh.left_out if str(path.relative_to(root)) not in found.on_board}
    found.checked = {finding.path for finding in check(store) if finding.bad}
    return found


def faults(blow: Blow, truth: Answers, found: Answers) -> list[str]:
    """What is wrong with answers after a blow: a silent difference, or damage that `store check` doesn't find."""
    wrong, named = [], blow.path in found.said
    for table, rows in found.rows.items():
        for key, row in rows.items():
            before = truth.rows[table].get(key)
            if before is None or any(value is not None and value != before[name] for name, value in row.items()):
                wrong.append(f"{blow}: a wrong row of {table}: {row}")
        if rows != truth.rows[table] and not named:
            wrong.append(f"{blow}: {table} differs and nobody says so")
    if found.status != truth.status and not named and blow.path.suffix != ".claim":
        wrong.append(f"{blow}: the status differs and nobody says so: {found.status}")
    if found.board != truth.board and blow.path.name not in found.on_board:
        wrong.append(f"{blow}: the board differs and doesn't say so")
    if named and blow.path not in found.checked:
        wrong.append(f"{blow}: `store check` doesn't find it")
    return wrong
