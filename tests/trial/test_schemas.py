"""Trials of earlier schemas: found by the ids that they had, shown apart, and never taken for new ones."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.board import formats, show_board
from bench.board.board import make_board
from bench.publish.publish import publish
from bench.publish.readme import SweepOptions
from bench.store import Store, StoreError, acquire, compact, connect, query, set_aside_damaged, states
from bench.store.results import write_measures
from bench.store.upkeep.check import check
from bench.store.upkeep.merge import merge
from bench.sweep import Sweep, load
from bench.trial import SCHEMA, Trial
from bench.trial.schemas import EARLIER, id_of, id_under
from cluster.job import Job
from cluster.work.worker import run_trial
from tests.cli.conftest import Call, call
from tests.shared.command import Ended
from tests.shared.store import ended

__all__ = ["call"]

Make = Callable[..., Trial]

PINNED = {1: ("ee5041bdfa890c64", "6018174b567d5279"), 2: ("27f56a226d1ece7e", "66760328834e702f")}
"""Ids that earlier versions of sambench gave the two trials of the golden test."""


def finish_as(store: Store, trial: Trial, schema: int, **measures: float) -> str:
    """Put a done trial into the store as a sambench of an earlier schema did; its id."""
    trial_id = id_under(trial, schema)
    folder = store.folder(trial_id)
    folder.attempts.mkdir(parents=True)
    held = acquire(store, folder, "test")
    assert held is not None
    fields = {name: value for name, value in trial.as_dict().items() if name in EARLIER[schema]}
    folder.trial.write_text(json.dumps({"schema": schema, "trial_id": trial_id, "fields": fields}))
    write_measures(folder, measures)
    held.end(dataclasses.replace(ended(folder, held.number), outcome="done"))
    return trial_id


@pytest.fixture
def sweep(tiny_sweep: Path) -> Sweep:
    return load(tiny_sweep)


@pytest.fixture
def old_and_new(store: Store, sweep: Sweep) -> Store:
    """Every trial was done under schema 2, the first seeds also under this one; their numbers tell them apart."""
    for trial in sweep.trials:
        finish_as(store, trial, 2, test_accuracy=20.0, val_accuracy=20.0)
        if trial.seed == 0:
            store.add([trial])
            held = acquire(store, store.folder(trial.trial_id), "test")
            assert held is not None
            write_measures(held.folder, {"test_accuracy": 80.0, "val_accuracy": 80.0})
            held.end(dataclasses.replace(ended(held.folder, held.number), outcome="done"))
    return store


@pytest.mark.parametrize("schema", EARLIER)
def test_the_ids_of_earlier_schemas_are_pinned(make_trial: Make, schema: int) -> None:
    settings = (("eta", 0.0), ("momentum", 0.9), ("nesterov", False))
    sam = make_trial(variant="layerwise_l2", scope="only_norm", rho=0.2, settings=settings, label_noise=0.4)
    assert (id_under(make_trial(), schema), id_under(sam, schema)) == PINNED[schema]
    assert id_under(sam, SCHEMA) == sam.trial_id


def test_an_earlier_id_depends_on_what_that_schema_knew_alone(make_trial: Make) -> None:
    trial = make_trial()
    assert id_under(dataclasses.replace(trial, drop_last=True, preprocessing="model"), 2) == id_under(trial, 2)
    assert id_under(dataclasses.replace(trial, warmup_epochs=1), 2) != id_under(trial, 2)
    assert id_under(dataclasses.replace(trial, warmup_epochs=1), 1) == id_under(trial, 1)
    with pytest.raises(KeyError):
        id_of({"dataset": "digits"}, 2)


@pytest.mark.parametrize("compacted", [False, True])
def test_old_results_have_a_table_of_their_own(old_and_new: Store, sweep: Sweep, compacted: bool) -> None:
    if compacted:
        compact(old_and_new)
    board = make_board(old_and_new, sweep)
    values = [value for cell in board.cells.values() for runs in cell.swept for value in runs.values.values()]
    assert set(values) == {80.0}
    page = show_board(old_and_new, sweep)
    assert page.grids[-1].caption == "Trained under an earlier schema (2)"
    texts = [
        [entry.text for block in grid.blocks for line in block.lines for entry in line.entries] for grid in page.grids
    ]
    assert {text.partition(" ")[0] for text in texts[0]} == {"80.0"}
    assert set(texts[-1]) == {"20.0 ± 0.0 (2)"}
    (earlier,) = json.loads(formats.as_json(page))["earlier"]
    assert earlier["schema"] == 2
    assert {cell["mean"] for cell in earlier["cells"]} == {20.0}
    for name, written in formats.FORMATS.items():
        assert name == "csv" or "earlier schema" in written(page) or "earlier" in written(page)
        assert name != "csv" or "20.0" not in written(page)


def test_a_new_store_says_nothing_of_it(store: Store, sweep: Sweep) -> None:
    store.add(sweep.trials)
    page = show_board(store, sweep)
    assert len(page.grids) == 1
    assert "schema" not in formats.markdown(page)


@pytest.mark.parametrize("compacted", [False, True])
def test_check_counts_them_and_finds_nothing_wrong(old_and_new: Store, compacted: bool) -> None:
    if compacted:
        compact(old_and_new)
    (finding,) = check(old_and_new)
    assert not finding.bad
    assert (finding.kind, finding.text) == ("other schema", "10 trials of schema 2: read, never averaged with schema 3")


def test_check_knows_wrong_ids_of_old_trials(old_and_new: Store, sweep: Sweep) -> None:
    folder = old_and_new.folder(id_under(sweep.trials[0], 2))
    folder.trial.write_text(folder.trial.read_text().replace('"seed": 0', '"seed": 5'))
    assert "wrong id" in {finding.kind for finding in check(old_and_new)}


def test_old_trials_stay_what_they_are(old_and_new: Store, sweep: Sweep, tmp_path: Path) -> None:
    old = [id_under(trial, 2) for trial in sweep.trials]
    assert not set_aside_damaged(old_and_new, old)
    assert {state.status for state in states(old_and_new, old, sweep.retries).values()} == {"done"}
    new = [trial.trial_id for trial in sweep.trials if trial.seed]
    assert {state.status for state in states(old_and_new, new, sweep.retries).values()} == {"missing"}
    both = "SELECT trial_schema, count(*), avg(test_accuracy), avg(drop_last::INT) FROM results GROUP BY 1 ORDER BY 1"
    rows = [(2, 10, 20.0, None), (3, 5, 80.0, 0.0)]
    assert [tuple(row.values()) for row in query(old_and_new, both).to_pylist()] == rows
    compact(old_and_new)
    other = Store.create(tmp_path / "other")
    merge([old_and_new], other)
    with connect(other) as connection:
        assert connection.execute(both).fetchall() == rows


@pytest.mark.slow
def test_a_bundle_has_them_too(old_and_new: Store, sweep: Sweep, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    publish([old_and_new], [sweep], lambda file, _: load(file), bundle, SweepOptions())
    pages = [formats.markdown(show_board(store, sweep)) for store in (old_and_new, Store.open(bundle))]
    assert pages[0] == pages[1]
    assert "Trained under an earlier schema" in pages[1]


def test_nobody_trains_an_old_trial_under_its_old_id(store: Store, make_trial: Make) -> None:
    """A job that waited in a queue while sambench was upgraded: it must not train something else under that id."""
    trial = make_trial()
    trial_id = id_under(trial, 2)
    folder = store.folder(trial_id)
    folder.attempts.mkdir(parents=True)
    fields = {name: value for name, value in trial.as_dict().items() if name in EARLIER[2]}
    folder.trial.write_text(json.dumps({"schema": 2, "trial_id": trial_id, "fields": fields}))
    report = run_trial(Job(store=store.root, launcher="test"), trial_id)
    assert report.outcome == "held"
    assert "schema 2" in report.message
    assert "run its sweep again" in report.message
    assert not list(folder.attempts.iterdir())
    with pytest.raises(StoreError, match="schema 2 and this sambench trains schema 3"):
        folder.read_trial()


def test_the_command_shows_both(sambench: Callable[..., Ended], tmp_path: Path, sweep: Sweep, tiny_sweep: Path) -> None:
    store = Store.create(tmp_path / "store")
    for trial in sweep.trials:
        finish_as(store, trial, 2, test_accuracy=20.0)
    shown = sambench("board", tiny_sweep, "--format", "markdown").stdout
    assert "No trial is done yet" in shown
    assert "#### Trained under an earlier schema (2)" in shown
    assert "20.0 ± 0.0 (2)" in shown
    assert "10 trials of schema 2" in sambench("store", "check").stdout


ANEW = " results from before the meaning of fields changed: they are shown in a table of their own, and the trials are"


@pytest.mark.parametrize("compacted", [False, True])
def test_commands_that_train_say_what_is_trained_anew(
    call: Call, old_and_new: Store, tiny_sweep: Path, compacted: bool
) -> None:
    if compacted:
        compact(old_and_new)
    left = f"5 of these trials have{ANEW} trained anew\n"
    assert left in call("plan", tiny_sweep).out
    assert json.loads(call("plan", tiny_sweep, "--json").out)["done_under_an_earlier_schema"] == 5
    assert left in call("status", tiny_sweep).out
    for command in ("plan", "status"):
        assert "the meaning of fields" not in call(command, tiny_sweep, "--where", "seed=0").out


def test_a_run_says_so_before_it_trains(call: Call, store: Store, tiny_sweep: Path, sweep: Sweep) -> None:
    finish_as(store, sweep.trials[0], 1, test_accuracy=20.0)
    told = call("run", tiny_sweep, "--on", "slurm", "--dry-run", "--where", f"trial_id={sweep.trials[0].trial_id}")
    assert f"1 of these trials has{ANEW} trained anew" in told.err
    told = call("run", tiny_sweep, "--on", "slurm", "--dry-run", "--where", f"trial_id={sweep.trials[1].trial_id}")
    assert "the meaning of fields" not in told.err


@pytest.mark.parametrize("table", ["results", "trials"])
def test_a_query_that_mixes_schemas_is_told_so(
    old_and_new: Store, caplog: pytest.LogCaptureFixture, table: str
) -> None:
    query(old_and_new, f"SELECT trial_schema, count(*) FROM {table} GROUP BY 1")
    assert not caplog.text
    assert query(old_and_new, f"SELECT count(*) AS n FROM {table}").to_pylist() == [{"n": 15}]
    assert "10 of schema 2, 5 of schema 3" in caplog.text
    assert "WHERE trial_schema = 3" in caplog.text


def test_a_query_of_one_schema_has_no_remark(store: Store, sweep: Sweep, caplog: pytest.LogCaptureFixture) -> None:
    finish_as(store, sweep.trials[0], 2, test_accuracy=20.0)
    query(store, "SELECT avg(test_accuracy) FROM results")
    assert not caplog.text
