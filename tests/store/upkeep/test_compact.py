"""Compaction: every trial once, before and after, and of what comes later."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable

import pytest

from bench.resources import Retries
from bench.store import Store, acquire, close_dead, compact, query, set_aside_damaged, state_of, states
from bench.store.compacted import manifest
from bench.store.upkeep import clean
from bench.store.upkeep.compact import Folded
from bench.trial import Trial
from tests.shared.store import finish
from tests.store.contents import contents, loose

Make = Callable[..., Trial]


def test_tables_are_the_same_before_and_after(mixed: Store, make_trial: Make) -> None:
    before = contents(mixed)
    assert compact(mixed) == Folded(trials=7, removed=6 * 3 + 1)
    assert contents(mixed) == before
    kept = {path.split("/")[0] for path in loose(mixed)}
    assert kept == {make_trial(seed=seed).trial_id for seed in (4, 5)}
    assert all(folder.trial.exists() for folder in mixed.folders())
    assert compact(mixed) == Folded()


def test_nothing_is_compacted_of_an_empty_store(store: Store) -> None:
    assert compact(store) == Folded()
    assert query(store, "SELECT * FROM results").num_rows == 0


def test_states_and_claims_are_the_same(mixed: Store, make_trial: Make) -> None:
    ids = [folder.trial_id for folder in mixed.folders()]
    before = states(mixed, ids)
    compact(mixed)
    assert states(mixed, ids) == before
    for trial_id, state in before.items():
        assert state_of(mixed, mixed.folder(trial_id), Retries()) == state
        taken = acquire(mixed, mixed.folder(trial_id), "test")
        assert (taken is None) == (state.status in ("done", "failed"))
    assert not set_aside_damaged(mixed, ids)


def test_a_done_trial_without_a_folder_is_neither_added_nor_claimed(mixed: Store, make_trial: Make) -> None:
    trial = make_trial(seed=0)
    compact(mixed)
    before = contents(mixed)
    shutil.rmtree(mixed.folder(trial.trial_id).path)
    mixed.add([trial])
    assert not mixed.folder(trial.trial_id).path.exists()
    assert acquire(mixed, mixed.folder(trial.trial_id), "test", seen=9) is None
    assert close_dead(mixed, mixed.folder(trial.trial_id), 1)
    assert states(mixed, [trial.trial_id])[trial.trial_id].status == "done"
    assert contents(mixed) == before


def test_a_damaged_trial_is_not_compacted(mixed: Store, make_trial: Make, caplog: pytest.LogCaptureFixture) -> None:
    broken, unknown = (mixed.folder(make_trial(seed=seed).trial_id) for seed in (0, 1))
    broken.measures.write_bytes(broken.measures.read_bytes()[:-10])
    unknown.trial.write_text("{")
    assert compact(mixed).trials == 5
    assert str(broken.measures) in caplog.text
    assert set(set_aside_damaged(mixed, [broken.trial_id, unknown.trial_id])) == {broken.measures, unknown.trial}


@pytest.mark.slow
def test_small_parts_are_absorbed(store: Store, make_trial: Make) -> None:
    for seed in range(8):
        finish(store, make_trial(seed=seed), test_accuracy=float(seed))
        assert compact(store).trials == 1
    assert len(manifest.current(store.root).parts) <= 4
    assert query(store, "SELECT test_accuracy FROM results ORDER BY 1").column(0).to_pylist() == list(range(8))


def test_files_that_no_manifest_names_are_removed(
    store: Store, make_trial: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clean, "GRACE", -1.0)
    for seed in range(5):
        finish(store, make_trial(seed=seed), test_accuracy=float(seed))
        compact(store)
    live = manifest.current(store.root)
    old = manifest.load(live.folder, live.generation - 1)
    found = {path.name for path in live.folder.glob("*.parquet")}
    assert found == set(live.sizes) | set(old.sizes)
    manifests = sorted(live.folder.glob("manifest-*.json"))
    parts = [len(json.loads(path.read_text())["parts"]) for path in manifests]
    assert parts[:-2] == [0] * 3, "their names stay, so that nobody publishes under one of them again"
