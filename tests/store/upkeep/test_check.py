"""Checking a store: what is damaged, left over or held is named, and what is elsewhere too is restored."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from bench.store import Store, StoreError, acquire, compact, query
from bench.store.compacted import manifest
from bench.store.upkeep.check import check
from bench.store.upkeep.repair import repair
from bench.trial import Trial
from tests.shared.store import dead_claim, finish
from tests.store.contents import contents

Make = Callable[..., Trial]


def test_check_of_a_good_store(store: Store, make_trial: Make) -> None:
    for seed in range(3):
        finish(store, make_trial(seed=seed), test_accuracy=1.0)
    assert list(check(store)) == []
    compact(store)
    assert list(check(store)) == []


def test_check_names_everything(store: Store, make_trial: Make) -> None:
    for seed in range(5):
        finish(store, make_trial(seed=seed), test_accuracy=1.0)
    damaged, renamed, stale, live = (store.folder(make_trial(seed=seed).trial_id) for seed in (0, 1, 8, 9))
    damaged.history.write_bytes(b"")
    renamed.trial.write_text(store.folder(make_trial(seed=2).trial_id).trial.read_text())
    store.add([make_trial(seed=8), make_trial(seed=9)])
    dead_claim(stale)
    held = acquire(store, live, "test")
    assert held is not None
    (store.root / "trials" / "notes").mkdir()
    found = {finding.kind: finding.path for finding in check(store)}
    assert found == {
        "damaged": damaged.history,
        "wrong id": renamed.trial,
        "stale claim": stale.claim(1),
        "live claim": live.claim(1),
        "orphan": store.root / "trials" / "notes",
    }
    held.abandon()


def test_a_trial_that_is_just_being_added_is_no_damage(store: Store, make_trial: Make) -> None:
    folder = store.folder(make_trial(seed=0).trial_id)
    folder.attempts.mkdir(parents=True)
    assert [(finding.kind, finding.path) for finding in check(store)] == [("orphan", folder.path)]
    store.add([make_trial(seed=0)])
    assert not list(check(store))
    held = acquire(store, folder, "test")
    assert held is not None
    held.abandon()
    folder.trial.unlink()
    assert ("damaged", folder.trial) in [(finding.kind, finding.path) for finding in check(store)]


def last_byte_of_first_column(path: Path) -> int:
    """Within a page, which has a checksum; the header before it has none."""
    column = pq.ParquetFile(path).metadata.row_group(0).column(0)
    start: int = column.data_page_offset if column.dictionary_page_offset is None else column.dictionary_page_offset
    return start + int(column.total_compressed_size) - 1


@pytest.mark.share(6)
@pytest.mark.parametrize("damage", ["short", "missing", "flipped"])
@pytest.mark.parametrize("table", manifest.FOLDED)
def test_a_damaged_compact_file_is_named_and_restored(mixed: Store, make_trial: Make, damage: str, table: str) -> None:
    compact(mixed)
    finish(mixed, make_trial(seed=30), test_accuracy=1.0)
    before = contents(mixed)
    live = manifest.current(mixed.root)
    path = live.path(next(iter(live.parts)), table)
    data = bytearray(path.read_bytes())
    data[last_byte_of_first_column(path)] ^= 0xFF
    path.unlink() if damage == "missing" else path.write_bytes(data if damage == "flipped" else data[:-9])
    assert [finding.path for finding in check(mixed) if finding.bad] == [path]
    assert query(mixed, "SELECT seed FROM results WHERE seed = 30").num_rows == 1, "others are answered for"
    assert query(mixed, f"SELECT * FROM {table.replace('index', 'results')}").num_rows < len(before["results"])
    assert path in mixed.left_out
    with pytest.raises(StoreError, match=f"{path.name}: damaged: .*--repair"):
        compact(mixed)
    done = repair(mixed)
    assert (done.restored, done.given_up) == (7, 0)
    assert not [finding for finding in check(mixed) if finding.bad]
    after = contents(mixed)
    # Epochs of done trials are nowhere else; of a trial with two attempts the first isn't, and its results are.
    differing = {name for name in before if before[name] != after[name]}
    assert differing == {"history": {"history"}, "attempts": {"attempts"}}.get(table, set())
    assert done.without_history == (6 if table == "history" else 0)


@pytest.mark.share(3)
@pytest.mark.parametrize("which", [-1, -2])
@pytest.mark.parametrize("size", [0, 100, None])
def test_a_damaged_manifest_is_restored(mixed: Store, make_trial: Make, which: int, size: int | None) -> None:
    for seed in range(40, 43):
        compact(mixed)
        finish(mixed, make_trial(seed=seed), test_accuracy=1.0)
    before, folder = contents(mixed), mixed.root / "compact"
    path = manifest.manifest_path(folder, manifest.generations_of(folder)[which])
    data = bytearray(path.read_bytes())
    data[30] ^= 1
    path.write_bytes(data if size is None else data[:size])
    assert [finding.path for finding in check(mixed) if finding.kind == "damaged"] == [path]
    repair(mixed)
    assert not [finding for finding in check(mixed) if finding.bad]
    assert contents(mixed) == before
