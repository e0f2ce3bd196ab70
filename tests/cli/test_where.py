"""`--where` on every command that takes a sweep: the same words, the same errors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.store import Store
from bench.sweep import load
from tests.cli.conftest import ON_SWEEPS, Call
from tests.shared.store import finish

UNKNOWN = "--where: unknown field 'varant'; did you mean variant; `sambench schema trials` lists them"
NONE = "--where scope=all --where variant=none: no trial of tiny has all of these values\n"


@pytest.fixture
def filled(store: Store, tiny_sweep: Path) -> Store:
    """With every trial done, and a log of one."""
    for place, trial in enumerate(load(tiny_sweep).trials):
        finish(store, trial, test_accuracy=90.0 + place, val_accuracy=50.0)
    store.folder(load(tiny_sweep).trials[0].trial_id).log.write_text("epoch 1\n", encoding="utf-8")
    return store


@pytest.mark.parametrize("command", [*ON_SWEEPS, "logs"])
def test_the_same_errors(filled: Store, call: Call, command: str) -> None:
    told = call(command, "tiny.yaml", "--where", "varant=sam")
    assert (told.code, told.err.startswith(UNKNOWN)) == (2, True), told.err
    assert call(command, "tiny.yaml", "--where", "scope=all", "--where", "variant=none")[::2] == (2, NONE)


def test_only_these_trials(filled: Store, call: Call, tmp_path: Path) -> None:
    chosen = ("--where", "variant=sam", "--where", "rho=0.1", "--where", "rho=1e-1", "--where", "scope=all")
    planned = json.loads(call("plan", "tiny.yaml", "--json", *chosen).out)
    assert [(item["scope"], item["rho"], item["seed"]) for item in planned["items"]] == [
        ("all", 0.1, 0),
        ("all", 0.1, 1),
    ]
    for command in ("status", "watch"):
        assert "2 trials: 2 done" in call(command, "tiny.yaml", *chosen).out
    assert "2 trials: 2 done" in call("run", "tiny.yaml", "--on", "inline", *chosen).err
    assert call("report", "tiny.yaml", *chosen).code == 0
    assert "The sweep has 2 trials" in (tmp_path / "out/report.html").read_text(encoding="utf-8")


def test_logs_of_a_sweep(filled: Store, call: Call, tiny_sweep: Path) -> None:
    first, second = load(tiny_sweep).trials[:2]
    told = call("logs", "tiny.yaml", "--where", "variant=none")
    assert told.out.splitlines() == [
        f"{first.trial_id} {first.label}", "epoch 1", f"{second.trial_id} {second.label}: no log yet",
    ]  # fmt: skip
    assert call("logs", "tiny.yaml", "--where", "variant=none", "--where", "seed=0").out == "epoch 1\n"
    several = call("logs", "tiny.yaml", "--where", "variant=none", "--follow")
    assert (several.code, "only for one trial, and these are 2; choose one with --where" in several.err) == (
        2,
        True,
    )
    mixed = call("logs", first.trial_id, "--where", "seed=0")
    assert (mixed.code, "apply to the trials of a sweep" in mixed.err) == (2, True)


def test_trials_by_their_ids(filled: Store, call: Call, tiny_sweep: Path) -> None:
    trial = load(tiny_sweep).trials[3]
    planned = json.loads(call("plan", "tiny.yaml", "--json", "--where", f"trial_id={trial.trial_id[:10]}").out)
    assert [item["trial_id"] for item in planned["items"]] == [trial.trial_id]
    none, several = (call("plan", "tiny.yaml", "--where", f"trial_id={begin}") for begin in ("xyz", ""))
    assert "no trial id of the sweep starts with 'xyz'" in none.err
    assert f"ambiguous trial id '': {len(load(tiny_sweep).trials)} matches" in several.err


def test_trained_again_and_forgotten(filled: Store, call: Call, tiny_sweep: Path) -> None:
    chosen = ("--where", "variant=none", "--where", "seed=0")
    again = call("run", "tiny.yaml", "--on", "inline", "--again", *chosen)
    assert (again.code, "1 done trial is trained again" in again.err) == (0, True), again.err
    board = call("board", "tiny.yaml", "--format", "markdown").out
    assert "1 trial was trained again: the newest result counts" in board
    told = call("query", "SELECT attempt, outcome, superseded FROM attempts WHERE attempt > 1 OR superseded", "--csv")
    assert sorted(told.out.splitlines()[1:]) == ["1,done,True", "2,superseded,False", "3,done,False"]
    assert "test_accuracy,{},90.0" in call("query", "SELECT * FROM superseded", "--csv").out
    assert call("store", "forget", "tiny.yaml", *chosen).code == 2, "nobody says yes"
    assert len(filled.trial_ids()) == len(load(tiny_sweep).trials)
    assert "1 trial deleted" in call("store", "forget", "tiny.yaml", "--yes", *chosen).err
    assert json.loads(call("plan", "tiny.yaml", "--json", *chosen).out)["missing"] == 1
    nothing = call("store", "forget", "tiny.yaml", "--yes", *chosen)
    assert (nothing.code, "nothing to delete" in nothing.err) == (2, True)
