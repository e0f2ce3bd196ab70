"""Several stores: read as one, and merged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import bench.store
from bench.errors import UserError
from bench.store import Store, acquire, compact, query
from bench.store.measured import Quantity, add_measure
from bench.store.upkeep.check import check
from bench.store.upkeep.merge import Merged, merge
from bench.trial import Trial
from tests.shared.store import fill_both, finish

Make = Callable[..., Trial]


UNION = [(0, "done", 90.0), (1, "done", 91.0), (2, "done", 92.0), (3, "error", None)]


def union(*stores: Store) -> list[tuple[Any, ...]]:
    table = query(stores, "SELECT seed, outcome, test_accuracy FROM results ORDER BY seed")
    assert query(stores, "SELECT * FROM attempts").num_rows == len(table)
    assert query(stores, "SELECT DISTINCT trial_id FROM history").num_rows == len(table)
    return [tuple(row.values()) for row in table.to_pylist()]


@pytest.mark.share(2)
@pytest.mark.parametrize("compacted", [(), (0,), (1,), (0, 1)])
def test_several_stores_are_read_as_one(
    store: Store, other: Store, make_trial: Make, compacted: tuple[int, ...]
) -> None:
    fill_both(store, other, make_trial)
    for number in compacted:
        compact((store, other)[number])
    assert union(store, other) == UNION
    assert bench.store.open(store.root, other.root).results().arrow().num_rows == 4


@pytest.mark.slow
@pytest.mark.share(2)
@pytest.mark.parametrize("compacted", [(), (0,), (1,), (0, 1)])
def test_merge(store: Store, other: Store, make_trial: Make, tmp_path: Path, compacted: tuple[int, ...]) -> None:
    fill_both(store, other, make_trial)
    for number in compacted:
        compact((store, other)[number])
    held = acquire(other, _added(other, make_trial(seed=5)), "test")
    assert held is not None
    (store.folder(make_trial(seed=0).trial_id).path / "log.txt").write_text("log")
    target = Store.create(tmp_path / "target")
    assert merge([store, other], target) == Merged(copied=4, kept=2, running=1)
    assert union(target) == UNION
    assert (target.folder(make_trial(seed=0).trial_id).path / "log.txt").read_text() == "log"
    assert merge([store, other], target).copied == 0
    assert union(target) == UNION
    compact(target)
    assert union(target) == UNION
    assert not [finding for finding in check(target) if finding.bad]
    assert acquire(target, target.folder(make_trial(seed=0).trial_id), "test") is None
    held.abandon()


@pytest.mark.slow
@pytest.mark.share(2)
@pytest.mark.parametrize("compacted", [(), (0,), (1,), (0, 1)])
def test_merge_brings_later_measures_of_the_same_training(
    store: Store, other: Store, make_trial: Make, compacted: tuple[int, ...]
) -> None:
    own, both = make_trial(seed=0).trial_id, make_trial(seed=1).trial_id
    finish(other, make_trial(seed=1), test_accuracy=91.0)
    merge([other], store)
    for target, accuracy in ((store, 90.0), (other, 10.0)):
        finish(target, make_trial(seed=0), test_accuracy=accuracy)
    for number in compacted:
        compact((store, other)[number])
    for trial_id in (own, both):
        assert add_measure(other.folder(trial_id), Quantity("sharpness", "{}"), 0.5, counts=[1, 2], code="abc")
    for added in (1, 0):
        assert merge([other], store) == Merged(kept=2, measures=added)
        rows = query(store, "SELECT seed, sharpness, test_accuracy FROM results ORDER BY seed").to_pylist()
        assert [tuple(row.values()) for row in rows] == [(0, None, 90.0), (1, 0.5, 91.0)]
        taken = query(store, "SELECT counts, code FROM measures WHERE measure = 'sharpness'").to_pylist()
        assert taken == [{"counts": "[1,2]", "code": "abc"}], "with all that was recorded of it"


def _added(store: Store, trial: Trial) -> bench.store.TrialFolder:
    store.add([trial])
    return store.folder(trial.trial_id)


def test_merge_into_itself(store: Store, other: Store) -> None:
    with pytest.raises(UserError, match="is one of the stores to merge"):
        merge([store, other], other)
