"""Measuring: take missing measures of trained models until none is left that can be taken.

The store decides what is missing, as it does for trials: measuring may be killed and started again, and several may
measure the same trials.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from bench.measures.names import Measure
from bench.registry import Entry
from bench.store import Store
from bench.store.claims.lease import is_leased
from bench.store.measured import Quantity, measured
from cluster.job import Job

POLL_SECONDS = 0.5

MEASURERS: dict[str, Entry] = {
    "ray": Entry(
        target="cluster.on_ray.measure:measure",
        summary="side by side on this machine, or on a Ray cluster that is there",
    ),
    "inline": Entry(target="cluster.inline:measure", summary="one after another in this process"),
}
"""How measures are taken; each is a `Measurer`."""


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What became of one quantity of a trial."""

    trial_id: str
    measure: Measure
    outcome: Literal["taken", "there", "held", "inapplicable", "failed"]
    """`there`: somebody else took it meanwhile; `held`: somebody else is at the trial."""
    value: float | None = None
    message: str = ""
    """Why there is no value."""


Measurer = Callable[[Job, Mapping[str, tuple[Measure, ...]]], Iterator[Taken]]
"""Tries every quantity of the tasks once, each in one process; one that fails doesn't keep others from being taken."""


def missing(store: Store, trial_ids: Iterable[str], measures: Iterable[Measure]) -> dict[str, tuple[Measure, ...]]:
    """Of each trial that lacks any of the measures, those."""
    wanted = tuple(measures)
    found = {
        trial_id: tuple(each for each in wanted if Quantity(each.measure, each.stored) not in there)
        for trial_id, there in measured(store, trial_ids).items()
    }
    return {trial_id: lacking for trial_id, lacking in found.items() if lacking}


def take_missing(job: Job, tasks: Mapping[str, tuple[Measure, ...]]) -> Iterator[Taken]:
    """Take all that the tasks name, as it comes; what others are at is waited for, in case they die."""
    measurer: Measurer = MEASURERS[job.launcher].load()
    store = Store.open(job.store)
    left = dict(tasks)
    while left:
        held: dict[str, tuple[Measure, ...]] = {}
        for taken in measurer(job, left):
            if taken.outcome == "held":
                held[taken.trial_id] = (*held.get(taken.trial_id, ()), taken.measure)
            else:
                yield taken
        while held and all(is_leased(store, store.folder(trial_id)) for trial_id in held):
            time.sleep(POLL_SECONDS)
        left = held
