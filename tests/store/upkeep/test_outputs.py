"""The outputs of a trial's model go wherever its weights go: superseded, merged, forgotten; damage is found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bench.measures.outputs import Outputs
from bench.store import Store, compact, states
from bench.store.folder import TrialFolder
from bench.store.outputs import read_outputs, write_outputs
from bench.store.upkeep.again import supersede
from bench.store.upkeep.check import check
from bench.store.upkeep.forget import forget
from bench.store.upkeep.merge import merge
from bench.store.upkeep.repair import repair
from bench.trial import Trial
from tests.shared.store import finish


@pytest.fixture
def folder(store: Store, make_trial: Callable[..., Trial]) -> TrialFolder:
    """A done trial with its outputs, compacted."""
    trial = make_trial(seed=0)
    finish(store, trial, test_accuracy=90.0)
    folder = store.folder(trial.trial_id)
    labels = np.arange(5, dtype=np.int32)
    write_outputs(folder, Outputs.of(np.zeros((5, 5), dtype=np.float16), labels))
    compact(store)
    assert not folder.measures.exists(), "it is compacted"
    assert folder.outputs.exists()
    return folder


def test_a_merge_copies_them(folder: TrialFolder, store: Store, tmp_path: Path) -> None:
    target = Store.create(tmp_path / "target")
    merge([store], target)
    copied = target.folder(folder.trial_id).outputs
    assert copied.read_bytes() == folder.outputs.read_bytes()
    assert read_outputs(copied) is not None


def test_training_again_keeps_them_aside(folder: TrialFolder, store: Store) -> None:
    kept = folder.outputs.read_bytes()
    assert supersede(store, folder.trial_id)
    assert not folder.outputs.exists()
    assert [path.read_bytes() for path in store.root.glob("superseded/*/outputs.parquet")] == [kept]


def test_forgetting_takes_them(folder: TrialFolder, store: Store) -> None:
    forget(store, [folder.trial_id])
    assert not list(store.root.rglob("outputs.parquet"))


def test_damage_is_found(folder: TrialFolder, store: Store) -> None:
    assert [finding for finding in check(store) if finding.bad] == []
    data = bytearray(folder.outputs.read_bytes())
    data[40] ^= 1
    folder.outputs.write_bytes(bytes(data))
    (finding,) = (finding for finding in check(store) if finding.bad)
    assert (finding.kind, finding.path) == ("damaged", folder.outputs)
    repair(store)
    assert not folder.outputs.exists()
    assert [finding for finding in check(store) if finding.bad] == []
    assert states(store, [folder.trial_id])[folder.trial_id].status == "done", "nothing is trained again for it"
