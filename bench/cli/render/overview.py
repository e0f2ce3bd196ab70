"""Overview: what `plan` and `status` print."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench import tasks
from bench.errors import counted
from bench.estimate import Estimate
from bench.store import State, open_attempt
from bench.store.claims.lease import read_holder
from bench.store.progress import read_progress
from bench.sweep import Sweep
from bench.sweep.varying import differences_in_words, kind_at_rho
from bench.trial import Trial

STATUSES = ("done", "pruned", "running", "failed", "cancelled", "missing")


def as_json(sweep: Sweep, found: Mapping[str, State], left: Estimate) -> dict[str, Any]:
    """Counts and every trial with its state, for programs."""
    counts = Counter[str](state.status for state in found.values())
    return {
        "sweep": sweep.name,
        "title": sweep.title,
        "trials": len(found),
        **{status: counts[status] for status in STATUSES},
        "seconds_left": left.seconds,
        "gpu_hours_left": left.gpu_seconds / 3600,
        "trials_not_estimated": left.unknown,
        "notes": list(sweep.notes),
        "items": [
            {"trial_id": trial.trial_id, "status": found[trial.trial_id].status, **trial.as_dict()}
            for trial in sweep.trials
        ],
    }


def plan(sweep: Sweep, found: Mapping[str, State], left: Estimate) -> RenderableType:
    """One line per method and model, with the swept ρ, what else differs within it, and how its trials stand."""
    groups = _groups(sweep.trials)
    differing = {key: differences_in_words(trials) for key, trials in groups.items()}
    in_all = len(groups) > 1 and len(set(differing.values())) == 1
    there = {state.status for state in found.values()}
    shown = ["done", *(name for name in ("pruned", "failed") if name in there), "left"]
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for name in ("model", "method", "ρ"):
        table.add_column(name, overflow="fold")
    for name in ("seeds", *shown):
        table.add_column(name, justify="right", no_wrap=True, min_width=len(name))
    for (on, method), trials in groups.items():
        counts = Counter[str](found[trial.trial_id].status for trial in trials)
        counts["left"] = sum(counts[name] for name in ("missing", "running", "cancelled"))
        rhos = ", ".join(f"{rho:g}" for rho in sorted({trial.rho for trial in trials if trial.rho is not None}))
        also = "" if in_all else differing[on, method]
        told = Text(method) + Text(f"\n{also}" if also else "", style="dim")
        table.add_row(on, told, rhos or "–", _seeds(trials), *(str(counts[name] or "–") for name in shown))
    every = next(iter(differing.values()), "") if in_all else ""
    return Group(
        Text(sweep.title, style="bold"),
        *([Text(f"in every line: {every}", style="dim")] if every else []),
        *([table] if found else []),
        Text("\n".join(filter(None, [_totals(found), left.text, *sweep.notes]))),
    )


def _groups(trials: Sequence[Trial]) -> dict[tuple[str, str], list[Trial]]:
    """Trials by model and method, and by data set where there are several."""
    several = len({trial.dataset for trial in trials}) > 1
    groups: dict[tuple[str, str], list[Trial]] = {}
    for trial in trials:
        on = f", {trial.dataset}" if several else ""
        groups.setdefault((f"{trial.model}{on}", _method(trial)), []).append(trial)
    return groups


def _seeds(trials: Sequence[Trial]) -> str:
    """How many seeds there are of each kind of trial and ρ."""
    counts = Counter(map(kind_at_rho, trials)).values()
    return str(min(counts)) if min(counts) == max(counts) else f"{min(counts)}–{max(counts)}"


def status(sweep: Sweep, found: Mapping[str, State], hints: Sequence[str] = ()) -> RenderableType:
    """Totals, the running trials with how far they are, the failed ones with their error, and a queue's hints."""
    parts: list[RenderableType] = [Text("\n".join([sweep.title, _totals(found), *hints]))]
    under_way = _table("running", "attempt", "epoch", "quality", "left", "where", "trial")
    failed = _table("failed", "attempts", "outcome", "error", "trial")
    for trial in sweep.trials:
        state = found[trial.trial_id]
        if state.status == "running":
            under_way.add_row(trial.trial_id, *running(state, trial), trial.label)
        elif state.status == "failed":
            message = Text(state.message)
            failed.add_row(trial.trial_id, str(state.attempts), state.outcome, message, trial.label)
    parts += [table for table in (under_way, failed) if table.row_count]
    if failed.row_count:
        parts.append(Text("`sambench logs TRIAL` has the traceback; `run --retry failed` tries again."))
    return Group(*parts)


def _totals(found: Mapping[str, State]) -> str:
    counts = Counter[str](state.status for state in found.values())
    states = ", ".join(f"{counts[name]} {name}" for name in STATUSES if counts[name])
    return f"{counted(len(found), 'trial')}: {states}" if states else "0 trials"


def _method(trial: Trial) -> str:
    return f"{trial.optimizer} {trial.variant}/{trial.scope}" if trial.perturbs else trial.optimizer


def running(state: State, trial: Trial) -> tuple[str, ...]:
    """Attempt, epoch, quality, time left and place of a trial that runs."""
    assert state.store is not None, "it runs in some store"
    folder = state.store.folder(trial.trial_id)
    number = open_attempt(state.store, folder)
    if number is None:
        return "–", "–", "–", "–", "just ended"
    holder, _ = read_holder(folder.claim(number))
    where = f"{holder['host']} ({holder['launcher']}, process {holder['pid']})"
    at = read_progress(folder)
    if at is None:
        return str(number), "starting", "–", "–", where
    left, task = str(timedelta(seconds=round(at.seconds_left))), tasks.of_trial(trial)
    return str(number), f"{at.epoch}/{at.epochs}", f"{at.quality:.1f} {task.unit}".rstrip(), left, where


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    for name in columns:
        table.add_column(name, overflow="fold")
    return table
