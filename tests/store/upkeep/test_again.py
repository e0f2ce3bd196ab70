"""Trials that are trained again or forgotten: what counts, what stays, and what a kill at any step leaves."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.resources import Retries
from bench.store import Store, StoreError, acquire, compact, query, state_of, states
from bench.store.compacted import part
from bench.store.lease import lease
from bench.store.measured import Quantity, add_measure, history_of, measured
from bench.store.upkeep.again import clear, supersede
from bench.store.upkeep.check import check
from bench.store.upkeep.forget import forget, in_use
from bench.store.upkeep.merge import merge
from bench.trial import Trial
from tests.store.read.test_query import finish
from tests.store.upkeep.test_compact_race import STEPS, Killed, die_at

Make = Callable[..., Trial]
CHANGES = tuple(step for step in STEPS if step != "fsync")
THIRD = 3
"""Every third step in one test, and the others in two more."""
RANK = Quantity("feature_rank", "{}")


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measures are written the moment that they are announced."""
    monkeypatch.setattr("bench.store.upkeep.compact.SETTLED", -1.0)


def trained(store: Store, trial: Trial, value: float) -> str:
    """As a worker leaves a trial: with a log and weights, and a measure that was taken later."""
    finish(store, trial, test_accuracy=value)
    folder = store.folder(trial.trial_id)
    folder.log.write_text(f"{value}\n", encoding="utf-8")
    folder.weights.write_bytes(str(value).encode())
    add_measure(folder, RANK, value)
    return trial.trial_id


def again(store: Store, trial: Trial, value: float) -> None:
    """What a worker does with a trial that is to be trained again."""
    clear(store.folder(trial.trial_id))
    trained(store, trial, value)


def results(store: Store) -> list[tuple[Any, ...]]:
    rows = query(store, "SELECT seed, outcome, attempt, test_accuracy, feature_rank FROM results ORDER BY seed")
    return [tuple(row.values()) for row in rows.to_pylist()]


def superseded(store: Store) -> list[tuple[Any, ...]]:
    rows = query(store, "SELECT attempt, measure, value FROM superseded ORDER BY ALL").to_pylist()
    return [tuple(row.values()) for row in rows]


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


def at_every_step(
    tmp_path: Path,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Store], object],
    then: Callable[[Store, bool], None],
    first_step: int,
) -> int:
    """Let `change` die at every third of its changes of files, and look at what it leaves; how many changes."""
    number, died, looked_at = first_step, True, set[str]()
    while died:
        copy = Store(tmp_path / f"copy-{number}")
        shutil.copytree(store.root, copy.root)
        with monkeypatch.context() as deadly:
            # Not those that only wait for the disk: they change nothing.
            die_at(deadly, number, CHANGES)
            try:
                change(copy)
                died = False
            except Killed:
                pass
        left = listing(copy)
        if left not in looked_at or not died:
            then(copy, died)
            looked_at.add(left)
        shutil.rmtree(copy.root)
        number += THIRD
    return number


def listing(store: Store) -> str:
    """Which files there are, but for temporary ones and the names of new parts."""
    files = sorted(str(path.relative_to(store.root)) for path in store.root.rglob("*") if ".tmp-" not in path.name)
    return re.sub(r"\b[0-9a-f]{12}\b|[0-9a-f]{32}", "*", "\n".join(files))


@pytest.mark.parametrize("folded", [False, True])
def test_what_is_forgotten_is_gone_and_the_others_are_not(store: Store, make_trial: Make, folded: bool) -> None:
    first, second = (trained(store, make_trial(seed=seed), 70.0 + seed) for seed in range(2))
    supersede(store, first)
    again(store, make_trial(seed=0), 75.0)
    if folded:
        compact(store)
    trained(store, make_trial(seed=2), 72.0)
    forget(store, [first])
    for _ in range(2):
        assert [row[0] for row in results(store)] == [1, 2]
        assert superseded(store) == []
        assert not list(store.root.glob(f"**/*{first}*"))
        assert [finding for finding in check(store) if finding.bad] == []
        compact(store)
    assert store.folder(second).weights.exists()
    trained(store, make_trial(seed=0), 60.0)
    assert results(store)[0] == (0, "done", 1, 60.0, 60.0)
    forget(store, store.trial_ids())
    assert results(store) == []


def test_whoever_works_on_a_trial_keeps_it(store: Store, make_trial: Make) -> None:
    store.add([make_trial()])
    held = acquire(store, store.folder(make_trial().trial_id), "test")
    assert held is not None
    assert "a worker is at it" in in_use(store, store.trial_ids())[make_trial().trial_id]
    held.abandon()


def test_a_compaction_meanwhile_brings_nothing_back(
    store: Store, make_trial: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = trained(store, make_trial(seed=0), 70.0)
    trained(store, make_trial(seed=1), 71.0)
    write = part.write

    def slow(*arguments: Any) -> Any:
        monkeypatch.setattr(part, "write", write)
        written = write(*arguments)
        forget(store, [first])
        return written

    monkeypatch.setattr(part, "write", slow)
    assert compact(store).overtaken
    assert [row[0] for row in results(store)] == [1]


@pytest.mark.share(1)
@pytest.mark.parametrize("first_step", range(THIRD))
@pytest.mark.parametrize("folded", [False, True])
def test_killed_at_every_step_forgetting_can_be_repeated(
    tmp_path: Path, store: Store, make_trial: Make, monkeypatch: pytest.MonkeyPatch, folded: bool, first_step: int
) -> None:
    first, _ = (trained(store, make_trial(seed=seed), 70.0 + seed) for seed in range(2))
    if folded:
        compact(store)

    def step(copy: Store, died: bool) -> None:
        left = {row[0]: row[1:] for row in results(copy)}
        assert left[1] == ("done", 1, 71.0, 71.0)
        assert left.get(0) in (None, (None, None, None, None), ("done", 1, 70.0, 70.0))
        if first in copy.trial_ids():
            forget(copy, [first])
        compact(copy)
        assert [row[0] for row in results(copy)] == [1]
        assert not copy.folder(first).path.exists()

    assert at_every_step(tmp_path, store, monkeypatch, lambda copy: forget(copy, [first]), step, first_step) > 10
