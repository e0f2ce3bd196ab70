"""Checking a store: what is damaged, left over or held is named, and damaged compact files are given up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from bench.store import Store, acquire, compact, manifest, query, states
from bench.store.check import check, repair
from bench.trial import Trial
from tests.store.test_claim import dead_claim
from tests.store.test_query import finish

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


def last_byte_of_first_column(path: Path) -> int:
    """Within a page, which has a checksum; the header before it has none."""
    column = pq.ParquetFile(path).metadata.row_group(0).column(0)
    start: int = column.data_page_offset if column.dictionary_page_offset is None else column.dictionary_page_offset
    return start + int(column.total_compressed_size) - 1


@pytest.mark.parametrize("damage", ["short", "missing", "flipped"])
@pytest.mark.parametrize("table", ["results", "attempts", "index", "history"])
def test_a_damaged_compact_file_is_named_and_given_up(store: Store, make_trial: Make, damage: str, table: str) -> None:
    trial = make_trial()
    finish(store, trial, test_accuracy=1.0)
    compact(store)
    live = manifest.current(store.root)
    path = live.path(next(iter(live.parts)), table)
    data = bytearray(path.read_bytes())
    data[last_byte_of_first_column(path)] ^= 0xFF
    path.unlink() if damage == "missing" else path.write_bytes(data if damage == "flipped" else data[:-9])
    assert [finding.path for finding in check(store) if finding.bad][:1] == [path]
    if damage != "flipped":
        with pytest.raises(manifest.DamagedPart, match=f"{path.name}: missing or damaged; .*--repair"):
            query(store, f"SELECT * FROM {table if table != 'index' else 'results'}")
    assert repair(store) == 1
    assert not [finding for finding in check(store) if finding.bad]
    assert states(store, [trial.trial_id])[trial.trial_id].status == "missing"
