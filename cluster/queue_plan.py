"""Queue plan: which trials were queued in which cluster jobs; a file of the store, so that nobody must stay alive.

A plan cuts the trials of one `run` into shares, one per array element, and the shares into chunks, one per job
array. It is written before anything is submitted and again after every array, so that a submission that was cut
short is known for what it is.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench.resources import Resources, Retries
from bench.store import Store, files, state_of


@dataclass
class Chunk:
    """One job array: shares `first` to `first + count − 1`, and the array's id once it is in the queue."""

    first: int
    count: int
    parallel: int
    """Elements that may run at once."""
    lane: int
    """Chunks of one lane run one after another, so that all lanes together keep to `max_parallel`."""
    job: str = ""


@dataclass
class Plan:
    """What one `run` queued."""

    path: Path
    sweep: str
    trials: list[str]
    """Every trial of the plan; shares are consecutive pieces."""
    per_share: int
    resources: Resources
    retries: Retries
    chunks: list[Chunk]
    tensorboard: bool = False
    created: float = field(default_factory=time.time)

    @property
    def store(self) -> Path:
        """The store that it lies in."""
        return self.path.parent.parent

    def share(self, number: int) -> list[str]:
        """The trials that array element `number` of the plan is for."""
        return self.trials[number * self.per_share : (number + 1) * self.per_share]

    def missing(self, number: int) -> Iterator[tuple[str, int]]:
        """Trials to try for the worker of share `number`, each looked at when its turn comes, with its attempts.

        First the share's own, then those that later and earlier shares haven't come to.
        """
        store, start = Store.open(self.store), number * self.per_share
        for trial_id in self.trials[start:] + self.trials[:start]:
            known = -1
            while True:
                state = state_of(store, store.folder(trial_id), self.retries)
                if state.status != "missing" or state.attempts == known:
                    break
                known = state.attempts
                yield trial_id, known

    def save(self) -> None:
        """Write the plan."""
        self.path.parent.mkdir(exist_ok=True)
        described = {name: value for name, value in asdict(self).items() if name != "path"}
        files.write(self.path, json.dumps(described).encode())

    @classmethod
    def load(cls, path: Path) -> Plan:
        """The plan that `save` wrote."""
        held: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        held["resources"], held["retries"] = Resources(**held["resources"]), Retries(**held["retries"])
        held["chunks"] = [Chunk(**chunk) for chunk in held["chunks"]]
        return cls(path=path, **held)


def new_path(store: Store, sweep: str) -> Path:
    """Where a new plan goes."""
    return store.root / "queued" / f"{sweep}-{int(time.time())}-{uuid.uuid4().hex[:6]}.json"


def plans(store: Store) -> Iterator[Plan]:
    """All plans of the store, the oldest first."""
    for path in sorted((store.root / "queued").glob("*.json"), key=lambda path: path.stat().st_mtime):
        yield Plan.load(path)


def cut(shares: int, most_elements: int, max_parallel: int | None) -> list[Chunk]:
    """Chunks of at most `most_elements` shares that never run more than `max_parallel` at once.

    As many lanes as are allowed run side by side; the chunks of a lane wait for each other.
    """
    count = -(-shares // most_elements)
    lanes = min(count, max_parallel or count)
    chunks = []
    for place in range(count):
        first = place * most_elements
        lane = place % lanes
        size = min(most_elements, shares - first)
        parallel = size if max_parallel is None else max_parallel // lanes + (lane < max_parallel % lanes)
        chunks.append(Chunk(first=first, count=size, parallel=parallel, lane=lane))
    return chunks


def queued_trials(store: Store, alive: Sequence[str] | set[str]) -> set[str]:
    """Trials in shares whose array elements are in the queue; `alive` has them as `ARRAY_ELEMENT` or `JOB`."""
    found: set[str] = set()
    for plan in plans(store):
        for chunk in plan.chunks:
            for place in range(chunk.count if chunk.job else 0):
                if f"{chunk.job}_{place}" in alive or (chunk.count == 1 and chunk.job in alive):
                    found.update(plan.share(chunk.first + place))
    return found
