"""Trials that are forgotten: what goes, what stays, and what a kill at any step leaves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.store import Store, acquire, compact
from bench.store.compacted import part
from bench.store.upkeep.again import supersede
from bench.store.upkeep.check import check
from bench.store.upkeep.forget import forget, in_use
from tests.store.upkeep.again import THIRD, Make, again, at_every_step, results, superseded, trained


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measures are written the moment that they are announced."""
    monkeypatch.setattr("bench.store.upkeep.compact.SETTLED", -1.0)


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


@pytest.mark.slow
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
