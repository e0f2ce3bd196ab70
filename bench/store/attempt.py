"""Attempt: one try at a trial: where, when, with what, and how it ended. One Parquet row, never changed."""

from __future__ import annotations

import types
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any, Literal, get_args, get_type_hints

import pyarrow as pa
import pyarrow.parquet as pq

from bench.store import files
from bench.store.layout import STORE_SCHEMA, TrialFolder

Outcome = Literal["done", "preempted", "timeout", "oom", "diverged", "crashed", "lost", "error"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)

OWN_FAULTS: frozenset[str] = frozenset({"oom", "diverged", "error"})
"""Failures that lie in the trial itself, so that another try would most likely repeat them."""

FAILURES: frozenset[str] = OWN_FAULTS | {"crashed", "lost"}
"""Ends that count against a trial; how often each may happen is for its sweep to say."""


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """How one try went. Times are UTC."""

    trial_id: str
    attempt: int
    """1, 2, …: the number of its claim."""
    outcome: Outcome
    message: str = ""
    """The error's last line, empty for `done`."""
    started: datetime | None
    ended: datetime
    wall_s: float | None
    """Seconds from claim to record."""
    train_s: float | None = None
    """Seconds of training and evaluation alone."""
    first_epoch: int | None = None
    """Epochs that were already in the checkpoint that it resumed from."""
    epochs: int | None = None
    """Epochs that are finished at its end, earlier attempts included."""
    unperturbed_steps: int | None = None
    """Sharpness-aware steps without perturbation, because the ascent norm was zero or not finite."""
    skipped_steps: int | None = None
    """Sharpness-aware steps without update, because the gradient norm was not finite."""
    launcher: str
    host: str
    pid: int
    device: str | None = None
    """Name of the GPU, or of the processor."""
    device_type: str | None = None
    """`cuda` or `cpu`."""
    world_size: int = 1
    threads: int | None = None
    """Threads of torch on the CPU."""
    peak_memory_bytes: int | None = None
    """Most memory that the process held during the attempt."""
    peak_device_memory_bytes: int | None = None
    """Most memory that torch held on the GPU; None on the CPU."""
    git_commit: str | None = None
    git_dirty: bool | None = None
    sambench: str | None = None
    python: str | None = None
    torch: str | None = None
    timm: str | None = None
    cuda: str | None = None
    platform: str | None = None
    schema: int = STORE_SCHEMA


_ARROW = {
    str: pa.string(),
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
    datetime: pa.timestamp("us", tz="UTC"),
}


def _arrow_type(hint: Any) -> pa.DataType:
    if isinstance(hint, types.UnionType):
        hint = next(member for member in get_args(hint) if member is not type(None))
    return _ARROW.get(hint, pa.string())


_HINTS = get_type_hints(Attempt)
ATTEMPT_SCHEMA = pa.schema([(item.name, _arrow_type(_HINTS[item.name])) for item in fields(Attempt)])


def record(folder: TrialFolder, attempt: Attempt) -> None:
    """Write the record that ends the attempt; FileExistsError if it is ended already."""
    table = pa.Table.from_pylist([asdict(attempt)], schema=ATTEMPT_SCHEMA)
    files.create(folder.attempt(attempt.attempt), files.parquet_bytes(table))


def read_outcome(folder: TrialFolder, number: int) -> str:
    """How an ended attempt ended."""
    outcome: str = pq.read_table(folder.attempt(number), columns=["outcome"])["outcome"][0].as_py()
    return outcome


def vanished(trial_id: str, number: int, holder: dict[str, Any], touched: float, outcome: Outcome) -> Attempt:
    """The record of a worker that can't write its own: killed, out of host memory, or its machine is gone."""
    causes = {"preempted": "stopped with its driver", "lost": "fell silent: its machine failed, or was cut off"}
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
