"""Merges that are repeated, killed or stopped: a done trial comes first, and nothing is left behind."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest

from bench.store import Store, acquire, compact, query
from bench.store.upkeep.check import check
from bench.store.upkeep.merge import Merged, merge
from bench.store.upkeep.workspace import remove_left, workspace
from bench.trial import Trial
from tests.shared.store import finish
from tests.store.contents import contents
from tests.store.interrupted import start, wake

Make = Callable[..., Trial]


def leftovers(store: Store) -> list[str]:
    return [path.name for path in store.root.rglob(".*")]


def accuracies(store: Store) -> dict[int, float | None]:
    return {row["seed"]: row["test_accuracy"] for row in query(store, "FROM results").to_pylist()}


@pytest.mark.slow
@pytest.mark.share(2)
@pytest.mark.parametrize("folded", [(), ("target",), ("source",), ("target", "source")])
def test_a_trial_that_was_done_since_replaces_its_earlier_copy(
    store: Store, other: Store, make_trial: Make, folded: tuple[str, ...]
) -> None:
    finish(store, make_trial(seed=0), "error")
    finish(store, make_trial(seed=1), "preempted")
    finish(store, make_trial(seed=2), "error")
    (store.folder(make_trial(seed=1).trial_id).path / "weights.safetensors").write_bytes(b"half")
    assert merge([store], other) == Merged(copied=3)
    if "target" in folded:
        compact(other)
    for seed in range(2):
        finish(store, make_trial(seed=seed), test_accuracy=90.0 + seed)
        (store.folder(make_trial(seed=seed).trial_id).path / "weights.safetensors").write_bytes(b"whole")
    if "source" in folded:
        compact(store)
    assert merge([store], other) == Merged(replaced=2, kept=1)
    assert accuracies(other) == {0: 90.0, 1: 91.0, 2: None}
    assert contents(other)["attempts"] == contents(store)["attempts"]
    for seed in range(2):
        assert (other.folder(make_trial(seed=seed).trial_id).path / "weights.safetensors").read_bytes() == b"whole"
    assert not (other.root / "damaged").exists(), "what the source still has is not kept twice"
    assert merge([store], other) == Merged(kept=3)
    compact(other)
    assert accuracies(other) == {0: 90.0, 1: 91.0, 2: None}
    assert not [finding for finding in check(other) if finding.bad]


@pytest.mark.slow
@pytest.mark.share(2)
@pytest.mark.parametrize("folded", [(), ("target",), ("source",), ("target", "source")])
def test_a_done_trial_replaces_failures_of_another_training(
    store: Store, other: Store, make_trial: Make, folded: tuple[str, ...]
) -> None:
    for _ in range(3):
        finish(other, make_trial(seed=0), "error")
    finish(other, make_trial(seed=1), test_accuracy=10.0)
    finish(store, make_trial(seed=0), test_accuracy=90.0)
    finish(store, make_trial(seed=1), test_accuracy=91.0)
    for name, each in (("target", other), ("source", store)):
        if name in folded:
            compact(each)
    assert merge([store], other) == Merged(replaced=1, kept=1)
    for _ in range(2):
        assert accuracies(other) == {0: 90.0, 1: 10.0}
        assert len(contents(other)["attempts"]) == 2
        assert acquire(other, other.folder(make_trial(seed=0).trial_id), "test") is None
        compact(other)
    (aside,) = (other.root / "damaged").iterdir()
    assert len(list(aside.glob("attempts/*.claim"))) == 3, "what the target had of its own is kept"


def test_a_trial_that_a_worker_of_the_target_is_at_stays(store: Store, other: Store, make_trial: Make) -> None:
    finish(store, make_trial(), test_accuracy=90.0)
    other.add([make_trial()])
    held = acquire(other, other.folder(make_trial().trial_id), "test")
    assert held is not None
    assert merge([store], other) == Merged(running=1)
    assert held.folder.claim(1).exists()
    held.abandon()


POINTS = (
    ("bench.store.upkeep.copying:_copy_file", 2), ("bench.store.upkeep.copying:replace", 1),
    ("bench.store.upkeep.copying:replace", 2),
    ("bench.store.compacted.manifest:Manifest.publish", 1), ("os:rename", 8), ("os:rename", 9),
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.share(2)
@pytest.mark.parametrize(("at", "call"), POINTS)
def test_a_killed_merge_leaves_nothing(store: Store, other: Store, make_trial: Make, at: str, call: int) -> None:
    finish(store, make_trial(seed=0), test_accuracy=90.0)
    finish(store, make_trial(seed=1), "preempted")
    merge([store], other)
    finish(store, make_trial(seed=1), test_accuracy=91.0)
    compact(store)
    finish(store, make_trial(seed=2), test_accuracy=92.0)
    for seed in range(3):
        (store.folder(make_trial(seed=seed).trial_id).path / "log.txt").write_text("log")
    start("merge", store, other, at=at, call=call, by=signal.SIGKILL)
    assert set(accuracies(other)) >= {0, 1} or call in (8, 9), "at most the one that was about to be replaced is away"
    merge([store], other)
    assert accuracies(other) == {0: 90.0, 1: 91.0, 2: 92.0}
    assert contents(other)["attempts"] == contents(store)["attempts"]
    for seed in (1, 2):
        assert (other.folder(make_trial(seed=seed).trial_id).path / "log.txt").read_text() == "log"
    assert leftovers(other) == []
    assert not [finding for finding in check(other) if finding.bad]


@pytest.mark.share(3)
@pytest.mark.parametrize("call", [1, 3, 4], ids=["before all", "amid", "before measures"])
@pytest.mark.parametrize("done_before", [True, False])
def test_a_trial_that_the_source_compacts_while_it_is_copied_comes_whole(
    store: Store, other: Store, make_trial: Make, call: int, done_before: bool
) -> None:
    trial = make_trial(seed=0)
    finish(store, trial, "done" if done_before else "preempted", test_accuracy=90.0)
    sleeper = start("merge", store, other, at="bench.store.upkeep.copying:_copy_file", call=call, by=signal.SIGSTOP)
    if not done_before:
        finish(store, trial, test_accuracy=90.0)
    compact(store)
    wake(sleeper)
    merge([store], other)
    assert contents(other) == contents(store)
    assert leftovers(other) == []


def test_the_workspace_of_a_stopped_merge_stays(store: Store, other: Store, make_trial: Make) -> None:
    finish(store, make_trial(seed=0), test_accuracy=90.0)
    sleeper = start("merge", store, other, at="bench.store.upkeep.copying:_copy_file", by=signal.SIGSTOP)
    remove_left(other)
    assert len(list(other.root.glob(".work-*"))) == 1
    assert "copied=1" in wake(sleeper)
    assert accuracies(other) == {0: 90.0}
    assert leftovers(other) == []


def test_only_what_is_marked_is_removed(store: Store) -> None:
    (store.root / ".work-of-mine").mkdir()
    (store.root / ".work-of-mine" / "file").write_text("mine")
    with workspace(store, "test") as place:
        assert place.stat().st_mode & 0o777 == 0o700
        remove_left(store)
        assert place.exists()
    assert os.listdir(store.root / ".work-of-mine") == ["file"]
    assert not place.exists()
