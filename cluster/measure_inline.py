"""inline: models measured one after another in this process."""

from __future__ import annotations

from collections.abc import Iterator

from bench.store import Store
from cluster.environment import apply_here
from cluster.measuring import Taken, Work


def measure(work: Work) -> Iterator[Taken]:
    """See `Measurer`."""
    apply_here(work.resources.cpus)
    # Not before: torch reads the environment when it is imported.
    from cluster.measure_worker import measure_trial

    store = Store.open(work.store)
    for trial_id, measures in work.tasks.items():
        yield from measure_trial(store, trial_id, measures, launcher="inline", threads=work.resources.cpus)
