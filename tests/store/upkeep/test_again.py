"""Trials that are trained again: what counts, what stays, and what a kill at any step leaves."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.resources import Retries
from bench.store import Store, StoreError, compact, query, state_of, states
from bench.store.claims.lease import lease
from bench.store.measured import history_of, measured
from bench.store.upkeep.again import supersede
from bench.store.upkeep.check import check
from bench.store.upkeep.forget import in_use
from bench.store.upkeep.merge import merge
from tests.shared.store import finish
from tests.store.upkeep.again import THIRD, Make, again, at_every_step, results, superseded, trained


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measures are written the moment that they are announced."""
    monkeypatch.setattr("bench.store.upkeep.compact.SETTLED", -1.0)


@pytest.mark.parametrize("folded", [False, True])
def test_the_newest_counts_and_the_earlier_stays(store: Store, make_trial: Make, folded: bool) -> None:
    trial, other = make_trial(seed=0), make_trial(seed=1)
    trained(store, other, 70.0)
    trial_id = trained(store, trial, 80.0)
    if folded:
        assert compact(store).trials == 2
    assert supersede(store, trial_id)
    assert not supersede(store, trial_id), "it isn't done any more"
    assert states(store, [trial_id])[trial_id].status == "missing"
    assert results(store) == [(0, "superseded", 2, None, None), (1, "done", 1, 70.0, 70.0)]
    assert superseded(store) == [(1, "feature_rank", 80.0), (1, "test_accuracy", 80.0)]
    assert measured(store, [trial_id]) == {trial_id: set()}
    assert history_of(store, trial_id) == []
    assert not store.folder(trial_id).weights.exists()
    compact(store)

    again(store, trial, 90.0)
    expected = [(0, "done", 3, 90.0, 90.0), (1, "done", 1, 70.0, 70.0)]
    for _ in range(2):
        assert results(store) == expected
        assert state_of(store, store.folder(trial_id), Retries()).status == "done"
        marked = query(store, "SELECT attempt, outcome, superseded FROM attempts WHERE attempt < 3 ORDER BY ALL")
        assert [tuple(row.values()) for row in marked.to_pylist()] == [
            (1, "done", False), (1, "done", True), (2, "superseded", False),
        ]  # fmt: skip
        assert len(history_of(store, trial_id)) == 1
        assert superseded(store) == [(1, "feature_rank", 80.0), (1, "test_accuracy", 80.0)]
        assert [finding for finding in check(store) if finding.bad] == []
        compact(store)
    kept = store.folder(trial_id).superseded(1)
    assert kept.joinpath("weights.safetensors").read_bytes() == b"80.0"
    assert kept.joinpath("log.txt").read_text(encoding="utf-8") == "80.0\n"
    assert supersede(store, trial_id), "and again"
    again(store, trial, 95.0)
    assert results(store)[0] == (0, "done", 5, 95.0, 95.0)
    assert len(superseded(store)) == 4


def test_a_failure_after_a_success_that_is_superseded_is_a_failure(store: Store, make_trial: Make) -> None:
    trial_id = trained(store, make_trial(), 80.0)
    compact(store)
    supersede(store, trial_id)
    finish(store, make_trial(), "error")
    for _ in range(2):
        assert states(store, [trial_id])[trial_id].status == "failed"
        assert results(store) == [(0, "error", 3, None, None)]
        compact(store)
    again(store, make_trial(), 81.0)
    assert results(store) == [(0, "done", 4, 81.0, 81.0)]


def test_who_is_measured_is_left_alone(store: Store, make_trial: Make) -> None:
    trial_id = trained(store, make_trial(), 80.0)
    with lease(store, store.folder(trial_id), "test"):
        with pytest.raises(StoreError, match="is being measured"):
            supersede(store, trial_id)
        assert in_use(store, [trial_id]) == {trial_id: "it is being measured"}
    assert results(store) == [(0, "done", 1, 80.0, 80.0)]


def test_merged_it_is_what_it_was(store: Store, other: Store, make_trial: Make) -> None:
    trial_id = trained(store, make_trial(), 80.0)
    compact(store)
    supersede(store, trial_id)
    again(store, make_trial(), 90.0)
    merge([store], other)
    assert results(other) == results(store) == [(0, "done", 3, 90.0, 90.0)]
    assert superseded(other) == superseded(store) != []


@pytest.mark.slow
@pytest.mark.share(1)
@pytest.mark.parametrize("first_step", range(THIRD))
@pytest.mark.parametrize("folded", [False, True])
def test_killed_at_every_step_it_is_as_before_or_to_be_trained_again(
    tmp_path: Path, store: Store, make_trial: Make, monkeypatch: pytest.MonkeyPatch, folded: bool, first_step: int
) -> None:
    trial_id = trained(store, make_trial(), 80.0)
    if folded:
        compact(store)
    before, seen = (results(store), history_of(store, trial_id)), set()

    def step(copy: Store, died: bool) -> None:
        now = results(copy)
        seen.add(now[0][1])
        if now[0][1] == "done":
            assert died
            assert (now, history_of(copy, trial_id)) == before
            assert copy.folder(trial_id).weights.exists()
            assert supersede(copy, trial_id)
        assert superseded(copy) == [(1, "feature_rank", 80.0), (1, "test_accuracy", 80.0)]
        again(copy, make_trial(), 90.0)
        assert results(copy) == [(0, "done", 3, 90.0, 90.0)]
        assert copy.folder(trial_id).superseded(1).joinpath("log.txt").read_text(encoding="utf-8") == "80.0\n"

    assert at_every_step(tmp_path, store, monkeypatch, lambda copy: supersede(copy, trial_id), step, first_step) > 10
    assert seen == {"done", "superseded"}
