"""Trials: which ones a command is about, which of them other code made, and which have results of an earlier schema."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli.loading import load_ready, open_existing
from bench.cli.render.terminal import fail

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
        loaded = load_ready(Path(what), overrides, stores, smoke=smoke, max_trials=max_trials, where=where)
        return {trial.trial_id: trial.label for trial in loaded.trials}
    there = opened()
    if len(there) == 1:
        return {there[0].find(what).trial_id: ""}
    ids = sorted({trial_id for store in there for trial_id in store.trial_ids() if trial_id.startswith(what)})
    if len(ids) != 1:
        fail(f"trial {what!r}: {len(ids)} trials of {', '.join(str(each.root) for each in there)} start so")
    return {ids[0]: ""}


def _is_id(text: str, overrides: list[str] | None, where: list[str] | None, *, smoke: bool) -> bool:
    """Whether a trial is meant rather than a sweep, among whose trials one could choose."""
    if re.fullmatch("[0-9a-f]+", text) is None or Path(text).exists():
        return False
    if overrides or smoke or where:
        fail(f"--set, --smoke and --where: choose among the trials of a sweep, and {text} is a trial")
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
    count = "1 of these trials has" if len(trial_ids) == 1 else f"{len(trial_ids)} of these trials have"
    return [
        f"{count} results from before the meaning of fields changed: they are shown in a table of their own, "
        "and the trials are trained anew"
    ]
