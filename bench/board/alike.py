"""Alike: a sweep's trials that are judged by the same metric, where its data sets pose different tasks."""

from __future__ import annotations

from dataclasses import replace

from bench.board.metric import COSTS
from bench.errors import UserError, counted
from bench.measures.names import parse
from bench.sweep import Sweep
from bench.tasks import TASKS, of_dataset
from bench.trial.content import CONTENT


def judged_alike(sweep: Sweep, metric: str | None = None) -> Sweep:
    """The sweep without trials whose task doesn't have the metric, with a note on these; UserError if none has it."""
    name = metric or sweep.measures[0]
    task = None if name in COSTS else parse(name).entry.task
    others = {each.dataset for each in sweep.trials if task and of_dataset(each.dataset) is not TASKS[task]}
    if not others:
        return sweep
    kept = tuple(trial for trial in sweep.trials if trial.dataset not in others)
    measures = " or ".join(sorted({of_dataset(dataset).measure for dataset in others}))
    if not kept:
        raise UserError(f"--metric: {name} is of {task}, and {sweep.name} has no trials of that; try {measures}")
    named = ", ".join(sorted(dataset.partition(CONTENT)[0] for dataset in others))
    count = counted(len(sweep.trials) - len(kept), "trial")
    note = f"{count} of {named} left out, which have no {name}: --metric {measures} shows them"
    return replace(sweep, trials=kept, notes=(*sweep.notes, note))


def metrics_of(sweep: Sweep) -> tuple[str, ...]:
    """The sweep's first measure, and for trials that can't have it the measure of their own task."""
    first = sweep.measures[0]
    alike = {trial.dataset for trial in judged_alike(sweep).trials}
    rest = [of_dataset(trial.dataset).measure for trial in sweep.trials if trial.dataset not in alike]
    return (first, *dict.fromkeys(rest))
