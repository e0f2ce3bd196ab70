"""A store from a stranger: what it holds is shown, never run, and leads nowhere else."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.store import Store, StoreError, compact, files, query, query_rows
from bench.store.arrow import table_of
from bench.store.folder import log_of
from bench.store.measured import Quantity, add_measure
from bench.store.progress import read_progress
from bench.store.results import MEASURES_SCHEMA
from bench.store.upkeep.check import check
from bench.store.upkeep.merge import merge
from bench.trial import Trial
from tests.shared.store import finish
from tests.store.contents import contents

Make = Callable[..., Trial]

SECRET = "the reader's own secret"
ODD = (
    "a\"; COPY (SELECT 42) TO 'FILE'; --",
    "a'; COPY (SELECT 42) TO 'FILE'; --",
    "x\" , (SELECT content FROM read_text('SECRET')) AS \"leak",
    "a\nb",
    "a\x1b]0;title\x07",
    "\0",
    "",
    "Seed",
    "SEED",
    "trial_id",
    "x" * 5000,
    "ρ\u202e",
    "$.fields",
    'a"}, "b',
)
"""Keys and names that would be a statement, another column or a terminal's command, were they taken for it."""


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file that isn't in the store."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    file = folder / "secret.txt"
    file.write_text(SECRET)
    return file


@pytest.fixture
def odd(tmp_path: Path, secret: Path) -> list[str]:
    return [text.replace("FILE", str(tmp_path / "written")).replace("SECRET", str(secret)) for text in ODD]


def untouched(tmp_path: Path, answer: object) -> None:
    assert not (tmp_path / "written").exists()
    assert SECRET not in repr(answer)


@pytest.mark.parametrize("place", ["settings", "fields"])
def test_keys_of_a_trial_are_no_statement(
    store: Store, make_trial: Make, tmp_path: Path, odd: list[str], place: str, caplog: pytest.LogCaptureFixture
) -> None:
    finish(store, make_trial(seed=0), test_accuracy=90.0)
    for seed, key in enumerate(odd, 1):
        store.add([make_trial(seed=seed)])
        file = store.folder(make_trial(seed=seed).trial_id).trial
        described = json.loads(file.read_text())
        (described["fields"] if place == "fields" else described["fields"]["settings"])[key] = 1
        file.write_text(json.dumps(described))
    finish(store, make_trial(seed=1), test_accuracy=10.0)
    for _ in range(2):
        read = contents(store)
        untouched(tmp_path, read)
        assert [dict(row)["seed"] for row in read["trials"]] == [0]
        assert [dict(row)["test_accuracy"] for row in read["results"]] == [90.0]
        for seed in range(1, len(odd) + 1):
            assert make_trial(seed=seed).trial_id in caplog.text
        compact(store)
    assert query(store, "SELECT seed, test_accuracy FROM results WHERE test_accuracy > 50").num_rows == 1


def test_names_of_measures_are_no_statement(store: Store, make_trial: Make, tmp_path: Path, odd: list[str]) -> None:
    trial = make_trial()
    finish(store, trial, test_accuracy=90.0)
    folder = store.folder(trial.trial_id)
    for text in odd:
        for quantity in (
            Quantity("sharpness", json.dumps({text: 1})),
            Quantity("sharpness", text),
            Quantity(text, "{}"),
        ):
            add_measure(folder, quantity, 1.0)
    for _ in range(2):
        names, (values,) = query_rows(store, f"SELECT * FROM results WHERE trial_id = '{trial.trial_id}'")
        row = dict(zip(names, values, strict=True))
        assert (row["trial_id"], row["seed"], row["test_accuracy"]) == (trial.trial_id, 0, 90.0)
        assert all(name.isprintable() for name in row)
        untouched(tmp_path, contents(store))
        compact(store)


def test_a_description_says_nothing_of_another_trial(store: Store, make_trial: Make) -> None:
    good, bad = make_trial(seed=0), make_trial(seed=1)
    finish(store, good, test_accuracy=90.0)
    finish(store, bad, test_accuracy=10.0)
    told = store.folder(bad.trial_id).trial.read_text()
    forged = json.dumps({"fields": make_trial(seed=7).as_dict()})
    lines = [f'{told}}}{end}{{"trial_id": "{good.trial_id}", "trial": {forged}' for end in ("\r", "\r\n", "\n")]
    for text in (*lines, f'{forged}, "trial_id": "{good.trial_id}"', f'{forged}, "trial": {forged}'):
        store.folder(bad.trial_id).trial.write_text(text, newline="")
        assert query(store, "SELECT seed FROM trials").column("seed").to_pylist() == [0]


@pytest.mark.parametrize("part", ["../../elsewhere/part", "/elsewhere", "a'); COPY x TO 'FILE'; --"])
def test_a_manifest_names_no_files_elsewhere(
    store: Store, make_trial: Make, caplog: pytest.LogCaptureFixture, part: str
) -> None:
    finish(store, make_trial(), test_accuracy=90.0)
    compact(store)
    manifest = store.root / "compact" / "manifest-00000002.json"
    manifest.write_text(json.dumps({"generation": 2, "parts": [part], "trials": [1], "bytes": {}}))
    # The generation before it counts.
    assert query(store, "SELECT test_accuracy FROM results").column(0).to_pylist() == [90.0]
    assert "manifest-00000002.json: damaged" in caplog.text


def link(store: Store, what: str, trial_id: str, secret: Path) -> Path:
    """Put a link to something outside in place of `what`; where it is."""
    place = store.root / what.replace("ID", trial_id)
    target = secret
    if place.exists():
        target = secret.parent / place.name
        os.rename(place, target)
    place.symlink_to(target)
    return place


LINKED = (
    "trials/ID/log.txt", "trials/ID/history.parquet", "trials/ID/measures.parquet", "trials/ID/trial.json",
    "trials/ID/attempts/0001.parquet", "trials/ID/attempts", "trials/ID/measures", "trials/ID",
    "trials/ID/weights.safetensors", "trials/ID/odd.txt",
)  # fmt: skip


@pytest.mark.share(4)
@pytest.mark.parametrize("what", LINKED)
def test_links_are_not_followed(store: Store, make_trial: Make, secret: Path, tmp_path: Path, what: str) -> None:
    finish(store, make_trial(seed=0), test_accuracy=90.0)
    finish(store, make_trial(seed=1), test_accuracy=10.0)
    trial_id = make_trial(seed=1).trial_id
    add_measure(store.folder(trial_id), Quantity("feature_rank", "{}"), 5.0)
    place = link(store, what, trial_id, secret)
    assert query(store, "SELECT seed FROM results WHERE test_accuracy = 90").num_rows == 1
    assert SECRET not in repr(contents(store))
    list(check(store))
    target = Store.create(tmp_path / "target")
    merge([store], target)
    links = [path for path in target.root.rglob("*") if path.is_symlink()]
    assert not links
    assert not any(SECRET in path.read_text(errors="replace") for path in target.root.rglob("*") if path.is_file())
    assert place.is_symlink(), "the store is not changed"


@pytest.mark.parametrize("what", ["trials/ID/log.txt", "trials/ID"])
def test_a_log_behind_a_link_is_not_read(store: Store, make_trial: Make, secret: Path, what: str) -> None:
    trial_id = make_trial().trial_id
    finish(store, make_trial(), test_accuracy=90.0)
    (secret.parent / "log.txt").write_text(SECRET)
    link(store, what, trial_id, secret)
    with pytest.raises(StoreError, match="is a link, which isn't followed"):
        log_of(store.folder(trial_id))
    assert read_progress(store.folder(trial_id)) is None


@pytest.mark.parametrize("name", ["trials", "compact", "changed"])
def test_a_store_whose_folder_is_a_link_is_refused(store: Store, secret: Path, name: str) -> None:
    link(store, name, "", secret)
    with pytest.raises(StoreError, match="is a link, which isn't followed"):
        Store.open(store.root)


def test_a_compact_file_that_is_a_link_is_left_out(
    store: Store, make_trial: Make, secret: Path, caplog: pytest.LogCaptureFixture
) -> None:
    finish(store, make_trial(), test_accuracy=90.0)
    compact(store)
    path = next((store.root / "compact").glob("*-results.parquet"))
    os.rename(path, secret.parent / path.name)
    path.symlink_to(secret.parent / path.name)
    assert query(Store.open(store.root), "SELECT * FROM results").num_rows == 0
    assert "is a link, which isn't followed" in caplog.text


@pytest.mark.parametrize("what", ["log.txt", "progress.json", "trial.json", "history.parquet", "attempts/0001.claim"])
def test_a_pipe_keeps_nobody_waiting(store: Store, make_trial: Make, what: str) -> None:
    finish(store, make_trial(seed=0), test_accuracy=90.0)
    finish(store, make_trial(seed=1), test_accuracy=10.0)
    folder = store.folder(make_trial(seed=1).trial_id)
    (folder.path / what).unlink(missing_ok=True)
    os.mkfifo(folder.path / what)
    assert query(store, "SELECT seed FROM results WHERE test_accuracy = 90").num_rows == 1
    assert read_progress(folder) is None
    contents(store)
    list(check(store))


def test_a_worker_writes_nothing_through_a_link(store: Store, make_trial: Make, secret: Path) -> None:
    from bench.store import acquire

    store.add([make_trial()])
    folder = store.folder(make_trial().trial_id)
    link(store, "trials/ID/attempts", folder.trial_id, secret)
    before = sorted(secret.parent.rglob("*"))
    with pytest.raises(StoreError, match="is a link, which isn't followed"):
        acquire(store, folder, "test")
    assert sorted(secret.parent.rglob("*")) == before


def test_files_of_other_names_are_no_measures(store: Store, make_trial: Make) -> None:
    finish(store, make_trial(), test_accuracy=90.0)
    folder = store.folder(make_trial().trial_id)
    folder.later.mkdir()
    row = {"trial_id": folder.trial_id, "measure": "feature_rank", "settings": "{}", "value": 1.0}
    data = files.parquet_bytes(table_of([row], MEASURES_SCHEMA))
    for name in ("*.parquet", "x'.parquet", "[a-f]*.parquet", "a.parquet"):
        (folder.later / name).write_bytes(data)
    assert query(store, "SELECT * FROM measures").num_rows == 1
