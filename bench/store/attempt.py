"""Attempt: one try at a trial: where, when, with what, and how it ended. One Parquet row, never changed."""

from __future__ import annotations

import types
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any, Literal, get_args, get_type_hints

from bench.store import files
from bench.store.compacted import manifest, marks
from bench.store.damage import RUN_AGAIN, Damaged
from bench.store.folder import TrialFolder
from bench.store.read.loose import read_table
from bench.store.store import STORE_SCHEMA

Outcome = Literal[
    "done", "pruned", "preempted", "timeout", "oom", "diverged", "crashed", "lost", "error", "superseded"
]  # fmt: skip

OWN_FAULTS: frozenset[str] = frozenset({"oom", "diverged", "error"})
"""Failures that lie in the trial itself, so that another try would most likely repeat them."""

SUPERSEDED: Outcome = "superseded"
"""No try at all: it says that the attempts before it count no more, because the trial is to be trained again."""

FAILURES: frozenset[str] = OWN_FAULTS | {"crashed", "lost"}
"""Ends that count against a trial; how often each may happen is for its sweep to say."""


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """How one try went. Times are UTC."""

    trial_id: str
    """The trial."""
    attempt: int
    """1, 2, …: the number of its claim."""
    outcome: Outcome
    """How it ended; docs/store.md lists the outcomes."""
    message: str = ""
    """The error's last line, empty for `done`."""
    started: datetime | None
    """When it was claimed; empty if its worker vanished."""
    ended: datetime
    """When it was recorded, or for a worker that vanished, last heard of."""
    wall_s: float | None
    """Seconds from claim to record."""
    train_s: float | None = None
    """Seconds of training and evaluation alone."""
    first_epoch: int | None = None
    """Epochs that were already in the checkpoint that it resumed from."""
    epochs: int | None = None
    """Epochs that are finished at its end, earlier attempts included."""
    steps: int | None = None
    """Steps that were made, earlier attempts included."""
    passes: float | None = None
    """Forward and backward passes over a whole batch that the steps took; a forward pass alone counts a third."""
    unperturbed_steps: int | None = None
    """Sharpness-aware steps without perturbation, because the ascent norm was zero or not finite."""
    skipped_steps: int | None = None
    """Sharpness-aware steps without update, because the gradient norm was not finite."""
    launcher: str
    """`inline`, `ray` or `slurm`."""
    host: str
    """Machine of the worker."""
    pid: int
    """Process id of the worker."""
    device: str | None = None
    """Name of the GPU, or of the processor."""
    device_type: str | None = None
    """`cuda` or `cpu`."""
    world_size: int = 1
    """Processes that trained the trial together."""
    threads: int | None = None
    """Threads of torch on the CPU."""
    peak_memory_bytes: int | None = None
    """Most memory that the process held during the attempt."""
    peak_device_memory_bytes: int | None = None
    """Most memory that torch held on the GPU; None on the CPU."""
    code: str | None = None
    """Fingerprint of the code that it executed; see docs/code.md."""
    code_parts: str | None = None
    """The fingerprint of each part of that code, as JSON."""
    plugins: str | None = None
    """What isn't sambench's own: path → file, digest of the source, distribution and version, as JSON."""
    git_commit: str | None = None
    """Commit of the code, where it ran from a repository."""
    git_dirty: bool | None = None
    """Whether files differed from that commit."""
    git_diff: str | None = None
    """Digest of how they differed."""
    sambench: str | None = None
    """Version of sambench."""
    python: str | None = None
    """Version of Python."""
    torch: str | None = None
    """Version of torch."""
    torchvision: str | None = None
    """Version of torchvision."""
    numpy: str | None = None
    """Version of numpy."""
    timm: str | None = None
    """Version of timm."""
    cuda: str | None = None
    """Version of CUDA that torch was built for."""
    platform: str | None = None
    """Operating system and architecture."""
    schema: int = STORE_SCHEMA
    """Version of the store's layout."""


IS_SUPERSEDED = f"""coalesce(
    attempt < max(attempt) FILTER (outcome = '{SUPERSEDED}') OVER (PARTITION BY trial_id), false)"""
"""SQL over attempts: whether one counts no more."""

_SQL = {int: "BIGINT", float: "DOUBLE", bool: "BOOLEAN", datetime: "TIMESTAMPTZ"}


def _sql_type(hint: Any) -> str:
    if isinstance(hint, types.UnionType):
        hint = next(member for member in get_args(hint) if member is not type(None))
    return _SQL.get(hint, "VARCHAR")


_HINTS = get_type_hints(Attempt)
ATTEMPT_SCHEMA = {item.name: _sql_type(_HINTS[item.name]) for item in fields(Attempt)}


def record(folder: TrialFolder, attempt: Attempt) -> None:
    """Write the record that ends the attempt; FileExistsError if it is ended already."""
    from bench.store.arrow import table_of

    table = table_of([asdict(attempt)], ATTEMPT_SCHEMA)
    if attempt.attempt > 1:
        # Earlier attempts may be compacted, or become so at this moment; a trial without any can't be.
        marks.mark_attempt(folder.root, folder.trial_id, attempt.attempt)
    files.create(folder.attempt(attempt.attempt), files.small_parquet_bytes(table, with_rows=True))


def read_outcome(folder: TrialFolder, number: int) -> str:
    """How an ended attempt ended."""
    (row,) = read(folder, number, ["outcome"])
    outcome: str = row["outcome"]
    return outcome


def read(folder: TrialFolder, number: int, columns: list[str]) -> list[dict[str, Any]]:
    """The one row of an attempt that is over, whether compacted or not; none if it isn't over. Damaged if it is."""
    path = folder.attempt(number)
    found = read_table(path, ATTEMPT_SCHEMA)
    if isinstance(found, str):
        raise Damaged(path, found, RUN_AGAIN)
    if found is not None:
        rows: list[dict[str, Any]] = found.select(columns).to_pylist()
        return rows
    held = manifest.current(folder.root).rows("attempts", folder.trial_id, ["attempt", *columns])
    return [{name: row[name] for name in columns} for row in held if row["attempt"] == number]


def is_over(folder: TrialFolder, number: int) -> bool:
    """Whether an attempt's end is recorded, in its folder or in the compact files."""
    return folder.attempt(number).exists() or number <= manifest.current(folder.root).attempts(folder.trial_id)


def vanished(trial_id: str, number: int, holder: dict[str, Any], touched: float, outcome: Outcome) -> Attempt:
    """The record of a worker that can't write its own: killed, out of host memory, or its machine is gone."""
    causes = {
        "preempted": "stopped with its driver or its machine",
        "lost": "fell silent: its machine failed, or was cut off",
    }
    cause = causes.get(outcome, "vanished: killed, or out of host memory")
    return Attempt(
        trial_id=trial_id,
        attempt=number,
        outcome=outcome,
        message=f"process {holder['pid']} on {holder['host']} {cause}",
        started=None,
        ended=datetime.fromtimestamp(touched, UTC),
        wall_s=None,
        launcher=holder["launcher"],
        host=holder["host"],
        pid=holder["pid"],
    )
