"""Compactions that sleep or die while others compact and clean: none makes files live that are gone."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

from bench.store import Store, compact
from bench.store.upkeep.check import check
from bench.store.upkeep.clean import clean
from bench.trial import Trial
from tests.shared.store import finish
from tests.store.contents import contents
from tests.store.interrupted import start, wake

Make = Callable[..., Trial]
BEFORE_PUBLISHING = "bench.store.compacted.manifest:Manifest.publish"


def age(store: Store) -> None:
    """Let hours pass for all compact files."""
    for path in (store.root / "compact").iterdir():
        os.utime(path, (time.time() - 7200,) * 2)


def whole(store: Store) -> bool:
    return not [finding for finding in check(store) if finding.bad]


def test_files_of_a_sleeping_compaction_are_kept_until_it_wakes(store: Store, make_trial: Make) -> None:
    finish(store, make_trial(seed=0), test_accuracy=90.0)
    compact(store)
    finish(store, make_trial(seed=1), test_accuracy=91.0)
    before = contents(store)
    sleeper = start("compact", store, at=BEFORE_PUBLISHING, by=signal.SIGSTOP)
    age(store)
    clean(store)
    assert "trials=1" in wake(sleeper)
    assert contents(store) == before
    assert whole(store)


def test_a_compaction_that_slept_through_others_changes_nothing(store: Store, make_trial: Make) -> None:
    finish(store, make_trial(seed=0), test_accuracy=90.0)
    sleeper = start("compact", store, at=BEFORE_PUBLISHING, by=signal.SIGSTOP)
    for seed in range(1, 5):
        finish(store, make_trial(seed=seed), test_accuracy=90.0 + seed)
        compact(store)
        age(store)
        clean(store)
    before = contents(store)
    assert "overtaken=True" in wake(sleeper)
    assert contents(store) == before
    assert whole(store)


def test_files_of_a_killed_compaction_are_removed(store: Store, make_trial: Make) -> None:
    finish(store, make_trial(seed=0), test_accuracy=90.0)
    compact(store)
    live = set(os.listdir(store.root / "compact"))
    finish(store, make_trial(seed=1), test_accuracy=91.0)
    before = contents(store)
    start("compact", store, at=BEFORE_PUBLISHING, by=signal.SIGKILL)
    assert set(os.listdir(store.root / "compact")) > live
    (store.root / "compact" / "notes.txt").write_text("somebody's")
    age(store)
    clean(store)
    assert set(os.listdir(store.root / "compact")) == live | {"notes.txt"}
    compact(store)
    assert contents(store) == before
    assert not list(store.root.glob(".work-*")), "the killed one's workspace is gone too"
