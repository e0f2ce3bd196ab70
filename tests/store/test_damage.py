"""One flipped bit or one cut in any kind of file: readers say the truth, or leave something out and name the file."""

from __future__ import annotations

import io
import json
import logging
import random
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from rich.console import Console

from bench.cli.render import overview
from bench.store import Store, acquire, compact, files, query, states
from bench.store.files import seal
from bench.store.measured import Quantity, add_measure
from bench.store.results import write_measures
from bench.store.upkeep.check import check
from bench.sweep import Sweep, load
from bench.trial import Trial
from tests.shared.store import finish
from tests.store.damage import Answers, Blow, answers, blows, faults, strike

Make = Callable[..., Trial]
SWEEP = """
title: "Damage"
grid: {dataset: digits, model: resnet8, batch_size: 256, epochs: 2, lr: 0.05, weight_decay: 5e-4, seed: 8}
methods: [{optimizer: sgd}]
measures: [test_accuracy]
"""


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    file = tmp_path_factory.mktemp("sweep") / "damage.yaml"
    file.write_text(SWEEP)
    return load(file, {})


@pytest.fixture(scope="module")
def struck(sweep: Sweep, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Every kind of file: compacted twice, tried again and measured since then, loose, measured, held, never tried."""
    store = Store.create(tmp_path_factory.mktemp("damage") / "store")
    trials = sweep.trials
    finish(store, trials[0], test_accuracy=90.0)
    finish(store, trials[1], "error")
    compact(store)
    finish(store, trials[2], test_accuracy=92.0)
    compact(store)
    finish(store, trials[1], "diverged")
    assert add_measure(store.folder(trials[0].trial_id), Quantity("sharpness", "{}"), 0.5)
    for trial in trials[3:6]:
        finish(store, trial, test_accuracy=80.0 + trial.seed)
    assert add_measure(store.folder(trials[3].trial_id), Quantity("sharpness", "{}"), 0.25)
    store.add(trials)
    held = acquire(store, store.folder(trials[6].trial_id), "test")
    assert held is not None
    yield store
    held.abandon()


@pytest.fixture(scope="module")
def truth(struck: Store, sweep: Sweep) -> Answers:
    found = answers(struck.root, sweep)
    assert len(found.rows["results"]) == 8
    assert not found.said
    assert not found.checked
    return found


def kind_of(path: Path) -> str:
    """What is told apart: names without ids and numbers."""
    return re.sub(r"[0-9a-f]{12,}|\d+", "N", "/".join(path.parts[-2:]))


@pytest.mark.slow
def test_a_share_of_all_damage(
    struck: Store,
    sweep: Sweep,
    truth: Answers,
    caplog: pytest.LogCaptureFixture,
    some: Callable[[list[Blow], int], list[Blow]],
) -> None:
    """A flip or a cut of one file of each of some kinds, drawn by a seed."""
    caplog.set_level(logging.CRITICAL)
    chosen: dict[str, Blow] = {}
    drawn = list(blows(struck.root, random.Random(11)))
    random.Random(12).shuffle(drawn)
    for blow in drawn:
        chosen.setdefault(kind_of(blow.path), blow)
    wrong = []
    for blow in some(list(chosen.values()), 6):
        with strike(blow):
            wrong += faults(blow, truth, answers(struck.root, sweep))
    assert not wrong
    assert len(chosen) >= 14
    assert answers(struck.root, sweep) == truth


def test_every_bit_of_the_small_files_is_watched(store: Store, make_trial: Make) -> None:
    """Where a flip isn't seen by the seal it has hit the seal's own name, and nothing else."""
    finish(store, make_trial(), test_accuracy=90.0)
    folder = store.folder(make_trial().trial_id)
    for path in (folder.trial, folder.claim(1), folder.attempt(1), folder.measures, folder.history):
        data = path.read_bytes()
        assert seal.is_whole(data)
        name = data.index(b"sambench-seal:")
        unseen = [place for place in range(len(data)) if seal.is_whole(flipped(data, place)) is not False]
        assert unseen == list(range(name, name + len(b"sambench-seal:")))
        assert not any(seal.is_whole(data[:size]) for size in range(len(data)))


def flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 0x10]) + data[place + 1 :]


@pytest.mark.parametrize("value", [90.0, float("nan"), 1 / 3])
def test_rows_are_those_of_the_columns(store: Store, make_trial: Make, value: float) -> None:
    trial = make_trial()
    store.add([trial])
    folder = store.folder(trial.trial_id)
    write_measures(folder, {"test_accuracy": value, 'odd "sambench-seal:\n': 1.0})
    data = folder.measures.read_bytes()
    assert bool(seal.rows_of(data)) == (value == value)
    finish(store, trial, test_accuracy=value)
    (row,) = [row for row in answers_measures(store) if row["measure"] == "test_accuracy"]
    assert repr(row["value"]) == repr(pq.read_table(folder.measures)["value"][0].as_py())


def answers_measures(store: Store) -> list[dict[str, object]]:
    return query(store, "SELECT * FROM measures").to_pylist()


def test_a_damaged_claim_is_held_until_it_is_silent(
    store: Store, make_trial: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = make_trial()
    store.add([trial])
    folder = store.folder(trial.trial_id)
    held = acquire(store, folder, "test")
    assert held is not None
    folder.claim(1).write_bytes(flipped(folder.claim(1).read_bytes(), 30))
    assert states(store, [trial.trial_id])[trial.trial_id].status == "running"
    assert acquire(store, folder, "test") is None
    held.abandon()
    later = store.now() + 61
    monkeypatch.setattr(Store, "now", lambda _: later)
    assert states(store, [trial.trial_id])[trial.trial_id].status == "missing"
    taken = acquire(store, folder, "test")
    assert taken is not None
    assert taken.number == 2
    taken.abandon()


@pytest.mark.parametrize("name", ["attempts/0001.parquet", "history.parquet", "measures.parquet", "measures/*.parquet"])
def test_a_whole_file_in_another_trials_folder_is_damage(store: Store, make_trial: Make, name: str) -> None:
    trials = [make_trial(seed=seed) for seed in (0, 1)]
    for trial, accuracy in zip(trials, (90.0, 91.0), strict=True):
        finish(store, trial, test_accuracy=accuracy)
        assert add_measure(store.folder(trial.trial_id), Quantity("sharpness", "{}"), accuracy / 100)
    source, target = (next(store.folder(trial.trial_id).path.glob(name)) for trial in trials)
    shutil.copy(source, target)
    assert [(finding.kind, finding.path) for finding in check(store)] == [("damaged", target)]
    for table in ("attempts", "history", "measures"):
        rows = query(store, f"SELECT * FROM {table}").to_pylist()
        assert len({tuple(row.items()) for row in rows}) == len(rows), "nothing counts twice"
    assert target in store.left_out


def test_a_record_of_another_attempt_is_damage(store: Store, make_trial: Make) -> None:
    folder = store.folder(make_trial(seed=0).trial_id)
    finish(store, make_trial(seed=0), "error")
    finish(store, make_trial(seed=0), test_accuracy=90.0)
    shutil.copy(folder.attempt(2), folder.attempt(1))
    assert [(finding.kind, finding.path) for finding in check(store)] == [("damaged", folder.attempt(1))]


def test_status_tells_of_a_trial_whose_claim_is_damaged(store: Store, sweep: Sweep) -> None:
    store.add(sweep.trials)
    folder = store.folder(sweep.trials[0].trial_id)
    held = acquire(store, folder, "test")
    assert held is not None
    for place in (1, 30, 60, 133):
        whole = folder.claim(1).read_bytes()
        folder.claim(1).write_bytes(flipped(whole, place))
        shown = Console(record=True, width=200, file=io.StringIO())
        shown.print(overview.status(sweep, states(store, [trial.trial_id for trial in sweep.trials])))
        assert "an unknown machine" in shown.export_text()
        folder.claim(1).write_bytes(whole)
    held.abandon()


def test_files_of_earlier_versions_are_read(store: Store, make_trial: Make, tmp_path: Path) -> None:
    """Without a seal, and with a journal beside them."""
    finish(store, make_trial(seed=0), test_accuracy=90.0)
    finish(store, make_trial(seed=1), test_accuracy=91.0)
    compact(store)
    finish(store, make_trial(seed=2), test_accuracy=92.0)
    for path in store.root.rglob("*.parquet"):
        if "compact" not in path.parts:
            files.write(path, files.parquet_bytes(pq.read_table(path).replace_schema_metadata(None)))
    for path in [*store.root.rglob("*.json"), *store.root.rglob("*.claim")]:
        held = {name: value for name, value in json.loads(path.read_bytes()).items() if name not in ("seal", "sha256")}
        path.write_text(json.dumps(held))
    (store.root / "journal").mkdir()
    (store.root / "journal" / "host-0.jsonl").write_text('\n{"trial_id": "')
    old = Store.open(store.root)
    assert sorted(row["value"] for row in answers_measures(old)) == [90.0, 91.0, 92.0]
    folder = store.folder(make_trial(seed=2).trial_id)
    folder.trial.write_text(folder.trial.read_text().replace('"seed": 2', '"seed": 3'))
    assert len(answers_measures(old)) == 3
    assert query(old, "SELECT * FROM results").num_rows == 2
    assert old.left_out.keys() == {folder.trial}
    compact(store)
    shutil.rmtree(store.root / "journal")
