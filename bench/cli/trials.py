"""Trials: which ones a command is about, and which have results of other code or an earlier schema."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli.loading import load_ready, open_existing
from bench.cli.render.terminal import fail
from bench.errors import UserError, meant
from bench.trial import DIGITS

if TYPE_CHECKING:
    from bench.store import State, Store
    from bench.sweep import Sweep


def named_trials(
    what: str,
    opened: Callable[[], Sequence[Store]],
    stores: Sequence[Path],
    overrides: list[str] | None,
    where: list[str] | None,
    *,
    smoke: bool,
    max_trials: int | None,
) -> dict[str, str]:
    """Id and label of the trials that SWEEP|TRIAL stands for; one that is named by its id has no label."""
    if not _is_id(what, overrides, where, smoke=smoke):
        _refuse_neither(what)
        loaded = load_ready(Path(what), overrides, stores, smoke=smoke, max_trials=max_trials, where=where)
        return {trial.trial_id: trial.label for trial in loaded.trials}
    return {one_trial(opened(), what): ""}


def _refuse_neither(what: str) -> None:
    """End the command where a word is neither a sweep's name nor a trial's id; a path is read as one."""
    from bench.sweep.file.lookup import all_sweeps, sweep_file

    if re.fullmatch(r"[\w-]+", what) and not os.path.exists(sweep_file(Path(what))):
        near = meant(what, [file.stem for file in all_sweeps()])
        fail(f"{what}: neither a sweep nor a trial id (up to {DIGITS} hexadecimal digits){near}")


def one_trial(stores: Sequence[Store], prefix: str) -> str:
    """The id that begins so; UserError if none or several do, with these."""
    ids = trials_starting(stores, prefix)
    if len(ids) == 1:
        return ids[0]
    if not ids:
        raise UserError(f"no trial id starts with {prefix!r} in {', '.join(str(each.root) for each in stores)}")
    told = "; ".join(f"{trial_id} ({label})" for trial_id, label in _labels(stores, ids[:_CANDIDATES]).items())
    more = f"; and {len(ids) - _CANDIDATES} more" if len(ids) > _CANDIDATES else ""
    raise UserError(f"ambiguous trial id {prefix!r}: {len(ids)} matches: {told}{more}")


def trials_starting(stores: Sequence[Store], prefix: str) -> list[str]:
    """The ids that begin so, of trials that were ever recorded."""
    return sorted({trial_id for store in stores for trial_id in store.trial_ids() if trial_id.startswith(prefix)})


def is_trial_id(text: str) -> bool:
    """Whether a text can be a trial's id, or the first characters of one."""
    return re.fullmatch(f"[0-9a-f]{{1,{DIGITS}}}", text) is not None


_CANDIDATES = 5
"""Trials that are named where one was meant."""


def _labels(stores: Sequence[Store], trial_ids: Sequence[str]) -> dict[str, str]:
    from bench.store import connect
    from bench.store.arrow import rows_of
    from bench.trial import FIELDS, Trial

    with connect(stores, ["trials"], only=trial_ids) as connection:
        rows = rows_of(connection.sql("SELECT * FROM trials").to_arrow_table())
    known = {
        row["trial_id"]: Trial.from_dict({name: row.get(name) for name in FIELDS} | {"settings": {}}).label
        for row in rows
    }
    return {trial_id: known.get(trial_id, "not readable") for trial_id in trial_ids}


def _is_id(text: str, overrides: list[str] | None, where: list[str] | None, *, smoke: bool) -> bool:
    """Whether a trial is meant rather than a sweep, among whose trials one could choose."""
    if not is_trial_id(text) or Path(text).exists():
        return False
    if overrides or smoke or where:
        fail(f"--set, --smoke and --where: apply to the trials of a sweep, but {text} is a single trial")
    return True


def done_by_other_code(stores: Sequence[Path], sweep: Sweep, found: Mapping[str, State]) -> dict[str, tuple[str, ...]]:
    """Done trial of the sweep → the parts of its code that aren't as they are here now."""
    done = [trial for trial in sweep.trials if found[trial.trial_id].status == "done"]
    if not done:
        return {}
    from bench.sweep.code import by_other_code

    return by_other_code(open_existing(stores), done)


def with_earlier_results(stores: Sequence[Path], sweep: Sweep, found: Mapping[str, State]) -> list[str]:
    """Trials of the sweep that aren't done, but were under an earlier schema."""
    from bench.store import connect
    from bench.store.read.snapshot import present
    from bench.trial.schemas import EARLIER, id_under

    left = [trial for trial in sweep.trials if found[trial.trial_id].status != "done"]
    opened = open_existing(stores)
    if not left or not opened:
        return []
    then = {id_under(trial, schema): trial.trial_id for trial in left for schema in EARLIER}
    there = set().union(*(present(store, then) for store in opened))
    if not there:
        return []
    with connect(opened, ["attempts"], only=there) as connection:
        select = "SELECT DISTINCT trial_id FROM attempts WHERE outcome = 'done' AND NOT superseded"
        return sorted({then[trial_id] for (trial_id,) in connection.execute(select).fetchall()})


def describe_earlier(trial_ids: Sequence[str]) -> list[str]:
    """For people: how many trials have results of an earlier schema, and what becomes of these; nothing for none."""
    if not trial_ids:
        return []
    having = f"{len(trial_ids)} of these trials {'has' if len(trial_ids) == 1 else 'have'}"
    return [
        f"{having} results from before the meaning of fields changed: they are shown in a table of their own, "
        "and the trials are trained anew"
    ]
