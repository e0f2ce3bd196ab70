"""Changed: done trials that differ from a sweep's in one field, if none of the sweep's own was started.

For one who changed a value after the results had come, and wonders where they went. Of a part of a sweep nothing can
be said: the done trials may be those of its other parts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.cli.loading import find_states, open_all
from bench.cli.render.terminal import tell

if TYPE_CHECKING:
    from bench.store import State, Store
    from bench.sweep import Sweep
    from bench.trial import Trial

_TRIALS = 20
"""Trials of the sweep, the first ones, that are compared"""
_ROWS = 2000
"""with so many of the store, at most."""
_APART = ("seed", "rho")
"""Fields that are compared between trials anyway: that they differ tells nothing."""


def changed(stores: Sequence[Store], sweep: Sweep, found: Mapping[str, State]) -> list[str]:
    """A line for each field in which done trials of the stores differ alone."""
    if not stores or any(state.status != "missing" for state in found.values()):
        return []
    from bench.store import query_rows
    from bench.store.read.snapshot import is_empty
    from bench.trial import FIELDS

    if all(map(is_empty, stores)):
        return []
    done = query_rows(stores, f"SELECT * FROM results WHERE outcome = 'done' LIMIT {_ROWS}")
    rows = [dict(zip(done.names, row, strict=True)) for row in done.rows]
    shared = [name for name in FIELDS if rows and name in rows[0] and name not in _APART]
    there: dict[str, dict[str, set[Any]]] = defaultdict(lambda: defaultdict(set))
    for trial in sweep.trials[:_TRIALS]:
        for row in rows:
            if name := _only_difference(trial, row, shared):
                there[name][row["trial_id"]].add(row[name])
    return [_line(name, ids) for name, ids in there.items()]


def tell_changed(paths: Sequence[Path], sweep: Sweep) -> None:
    """Say so on the error stream."""
    for line in changed(open_all(paths), sweep, find_states(paths, sweep)):
        tell(line)


def _only_difference(trial: Trial, row: Mapping[str, Any], names: Sequence[str]) -> str | None:
    differing = [name for name in names if trial.value(name) != row[name]]
    return differing[0] if len(differing) == 1 else None


def _line(name: str, ids: Mapping[str, set[Any]]) -> str:
    values = ", ".join(sorted({str(value) for each in ids.values() for value in each}))
    told = f"none of these trials was begun, but {len(ids)} done ones differ in {name} alone ({values} there)"
    return f"{told}: results stay with the values that they were made with, `--set {name}=…` shows them"
