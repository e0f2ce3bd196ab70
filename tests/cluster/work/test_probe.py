"""The time of an epoch from a few steps: also where an epoch has no more than that."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from bench.trial import Trial
from cluster.work.probe import probe


@pytest.mark.parametrize("batch_size", [1024, 540, 256])
def test_an_epoch_of_few_steps_takes_seconds_and_not_the_time_since_the_machine_began(
    batch_size: int, make_trial: Callable[..., Trial]
) -> None:
    started = time.perf_counter()
    pace = probe(make_trial(batch_size=batch_size))
    taken = time.perf_counter() - started
    # Of a share of its images, whose steps were a part of the time that was taken.
    assert 0 < pace.seconds < 20 * taken
