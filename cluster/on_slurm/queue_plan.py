"""Plan: which trials were queued in which cluster jobs; a file in the store, so no process must stay alive.

A plan cuts the trials of one `run` into shares, one per array element, and the shares into chunks, one per job
array. It is written before anything is submitted and again after every array, so that a submission that was cut
short is known for what it is. An array that was queued but not recorded is known by its name.
"""

from __future__ import annotations

import json
import re
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Ge, Le
from pydantic import StringConstraints, TypeAdapter

from bench.errors import UserError
from bench.store import Store, files, state_of
from cluster.job import Job
from cluster.on_slurm.commands import Queued

TrialId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
JobId = Annotated[str, StringConstraints(pattern=r"^[0-9]*$")]
Count = Annotated[int, Ge(1), Le(1_000_000)]


class PlanError(UserError):
    """A plan that can't be read."""


@dataclass
class Chunk:
    """One job array: shares `first` to `first + count − 1`, and the array's id once it is in the queue."""

    first: int
    count: Count
    parallel: int
    """Elements that may run at once."""
    lane: int
    """Chunks of one lane run one after another, so that all lanes together keep to `max_parallel`."""
    job: JobId = ""


@dataclass
class Plan:
    """What one `run` queued."""

    path: Path
    job: Job
    """Of the store that the plan lies in, wherever that was when it was written."""
    trials: list[TrialId]
    """Every trial of the plan; shares are consecutive pieces."""
    per_share: Count
    chunks: list[Chunk]
    created: float = field(default_factory=time.time)

    @property
    def folder(self) -> Path:
        """Batch scripts and logs of its jobs."""
        return self.path.with_suffix("")

    def log(self, element: str) -> Path:
        """What a job's script and worker print."""
        return self.folder / f"{element}.log"

    def share(self, number: int) -> list[str]:
        """The trials that array element `number` of the plan is for."""
        return self.trials[number * self.per_share : (number + 1) * self.per_share]

    def missing(self, number: int) -> Iterator[tuple[str, int]]:
        """Trials to try for the worker of share `number`, each looked at when its turn comes, with its attempts.

        First the share's own, then those that later and earlier shares haven't come to.
        """
        store, start = Store.open(self.job.store), number * self.per_share
        for trial_id in self.trials[start:] + self.trials[:start]:
            known = -1
            while True:
                state = state_of(store, store.folder(trial_id), self.job.retries)
                if state.status != "missing" or state.attempts == known:
                    break
                known = state.attempts
                yield trial_id, known

    def save(self) -> None:
        """Write the plan."""
        self.path.parent.mkdir(exist_ok=True)
        described = {**asdict(self), "job": self.job.as_dict()}
        del described["path"]
        files.write(self.path, json.dumps(described).encode())

    @classmethod
    def load(cls, path: Path) -> Plan:
        """The plan that `save` wrote; PlanError for anything else, since a store may come from someone else."""
        try:
            held = json.loads(path.read_bytes())
            return _ADAPTER.validate_python({**held, "path": path, "job": _job(held, path.parent.parent)})
        except (OSError, TypeError, ValueError, RecursionError) as error:
            raise PlanError(f"{path}: no plan of queued jobs: {str(error).splitlines()[0]}") from error

    def name(self, chunk: Chunk) -> str:
        """What the job array of a chunk is called, and no other."""
        token = self.path.stem.rpartition("-")[2]
        return f"sambench-{plain(self.job.sweep)}-{token}.{self.chunks.index(chunk)}"

    def elements(self, queue: Mapping[str, Queued]) -> Iterator[tuple[str, list[str]]]:
        """Array elements of the plan that are in the queue, each with its trials."""
        for chunk in self.chunks:
            # Earlier versions called all arrays of a sweep alike. A number alone says nothing: the store may have
            # come from another cluster.
            names = (self.name(chunk), f"sambench-{self.job.sweep}")
            for place in range(chunk.count if chunk.job else 0):
                for element in (f"{chunk.job}_{place}", *([chunk.job] if chunk.count == 1 else ())):
                    if element in queue and queue[element].name in names:
                        yield element, self.share(chunk.first + place)

    def adopt(self, queue: Mapping[str, Queued]) -> bool:
        """Note arrays of the plan that are in the queue, but whose submitter was killed before it wrote that down."""
        arrays = {queued.name: element.partition("_")[0] for element, queued in queue.items()}
        found = [chunk for chunk in self.chunks if not chunk.job and self.name(chunk) in arrays]
        for chunk in found:
            chunk.job = arrays[self.name(chunk)]
        return bool(found)


_ADAPTER = TypeAdapter(Plan)
_EARLIER = ("sweep", "resources", "retries", "tensorboard")
"""What plans of earlier versions, which may be in a queue for weeks, say of their job, beside its trials."""


def _job(held: dict[str, Any], store: Path) -> Job:
    earlier = {name: held[name] for name in _EARLIER if name in held}
    return Job.from_dict(held.get("job", {"launcher": "slurm", **earlier}), store)


def new_path(job: Job) -> Path:
    """Where a new plan goes."""
    return job.store / "queued" / f"{plain(job.sweep)}-{int(time.time())}-{uuid.uuid4().hex[:8]}.json"


def plans(store: Store) -> list[Plan]:
    """All plans of the store, the oldest first; those that can't be read are told and left out."""
    found = []
    for path in (store.root / "queued").glob("*.json"):
        try:
            found.append(Plan.load(path))
        except PlanError as error:
            _tell(f"{error}; it is left out")
    return sorted(found, key=lambda plan: plan.created)


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


@lru_cache
def _tell(message: str) -> None:
    """Once, however often we look."""
    print(message, file=sys.stderr)


def plain(sweep: str) -> str:
    """A sweep's name as any file system and scheduler takes it."""
    return re.sub(r"[^A-Za-z0-9_.+-]+", "_", sweep)[:80]
