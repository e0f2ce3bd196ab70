"""`--where` on every command that takes a sweep: the same words, the same errors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.store import Store
from bench.sweep import load
from tests.cli.conftest import Call
from tests.cli.test_help import ON_SWEEPS
from tests.store.read.test_query import finish

UNKNOWN = "--where: unknown field 'varant'; did you mean variant; valid: dataset, "
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
    assert (several.code, "--follow: is for one trial, and these are 2 of tiny" in several.err) == (2, True)
    mixed = call("logs", first.trial_id, "--where", "seed=0")
    assert (mixed.code, "choose among the trials of a sweep" in mixed.err) == (2, True)
