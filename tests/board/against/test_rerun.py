"""A board against another store, an export, another board or a commit: what is equal, what differs, by hand."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scipy import stats

from bench.store import Store, acquire
from bench.store.results import write_history, write_measures
from bench.store.upkeep.again import supersede
from bench.sweep import load
from bench.trial import Trial
from tests.shared.store import ended

SWEEP = """
title: "Rerun"
recipe: digits-resnet
grid: {model: resnet8, seed: 4}
methods:
  - {}
  - {variant: sam, scope: [all, only_norm], rho: 0.1}
  - {variant: fisher, scope: all, rho: 0.1}
"""
OLD, NEW = "a" * 40, "b" * 40
MOVED = {"none": [0.0] * 4, "all": [1.0, 1.1, 0.9, 1.2], "only_norm": [0.1, -0.2, 0.3, 0.0]}
"""Scope → what its four seeds gain from the other side to this one."""
Command = Callable[..., Any]


def make(store: Store, trial: Trial, value: float, commit: str = NEW, torch: str = "2.9.0") -> None:
    """A done trial, by a commit and a version of torch."""
    store.add([trial])
    folder = store.folder(trial.trial_id)
    held = acquire(store, folder, "test", seen=99)
    assert held is not None
    write_measures(folder, {"test_accuracy": value, "val_accuracy": value})
    write_history(folder, [{"epoch": 1, "lr": 0.1, "train_loss": 1.0}])
    record = ended(folder, held.number)
    held.end(dataclasses.replace(record, git_commit=commit, torch=torch, device="CPU", world_size=1, train_s=value))


def value(trial: Trial, side: str) -> float:
    """Base values are exact fractions, so that equal is equal to the bit."""
    moved = MOVED[trial.scope][trial.seed] if side == "here" and trial.variant != "fisher" else 0.0
    return 90.0 + trial.seed / 4 + moved


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rerun.yaml"
    path.write_text(SWEEP, encoding="utf-8")
    return path


@pytest.fixture
def both(store: Store, tmp_path: Path, file: Path) -> Path:
    """The store, and another one that lacks fisher and was made by an earlier torch."""
    there = Store.create(tmp_path / "there")
    for trial in load(file).trials:
        make(store, trial, value(trial, "here"))
        if trial.variant != "fisher":
            make(there, trial, value(trial, "there"), OLD, "2.8.0")
    return there.root


def cells(sambench: Command, file: Path, against: object, *more: str) -> tuple[dict[Any, Any], dict[str, Any]]:
    """(variant, scope) → record, and the document."""
    told = sambench("board", file, "--against", against, "--format", "json", *more)
    assert told.returncode == 0, told.stderr
    document = json.loads(told.stdout)
    return {(cell["variant"], cell["scope"]): cell for cell in document["cells"]}, document


def check_pairs(found: dict[Any, Any]) -> None:
    """Against the same trials: verdicts and the interval that scipy has of these differences."""
    verdicts = {place: cell["verdict"] for place, cell in found.items()}
    assert list(verdicts.values()) == ["identical", "higher", "no difference shown", "not comparable"]
    moved = found["sam", "all"]
    low, high = stats.t.interval(0.95, 3, 1.05, stats.sem(MOVED["all"]))
    assert (moved["difference"], moved["low"], moved["high"]) == pytest.approx((1.05, low, high))
    theirs = stats.ttest_1samp(MOVED["only_norm"], 0.0).pvalue
    assert found["sam", "only_norm"]["p"] == pytest.approx(theirs)
    assert [cell["equal"] for cell in found.values()] == [4, 0, 1, 0]


def test_another_store(both: Path, sambench: Command, file: Path) -> None:
    found, document = cells(sambench, file, both)
    check_pairs(found)
    assert document["answer"] == [
        f"Against store {both}, 4 cells: 1 identical, 1 no difference shown, 1 higher, 1 not comparable.",
        "Of 12 trials with a result on both sides, 5 are equal to the last bit.",
        "By chance alone, 0.1 of 2 tests would find a difference.",
    ]
    assert "torch: here 2.9.0 in 16; there 2.8.0 in 12." in document["notes"]
    assert found["fisher", "all"]["reason"] == "no result there at this ρ"


@pytest.mark.parametrize("suffix", ["parquet", "csv", "json"])
def test_an_export(both: Path, sambench: Command, file: Path, tmp_path: Path, suffix: str) -> None:
    target = tmp_path / f"old.{suffix}"
    option = {"parquet": ("--parquet", target), "csv": ("--csv",), "json": ("--json",)}[suffix]
    told = sambench("query", "SELECT * FROM results", "--store", both, *option)
    if suffix != "parquet":
        target.write_text(told.stdout, encoding="utf-8")
    check_pairs(cells(sambench, file, target)[0])
    times, _ = cells(sambench, file, target, "--metric", "train_s")
    assert times["sam", "all"]["other_mean"] == pytest.approx(90.375)


@pytest.mark.parametrize("suffix", ["csv", "json"])
def test_an_exported_board(both: Path, sambench: Command, file: Path, tmp_path: Path, suffix: str) -> None:
    target = tmp_path / f"old.{suffix}"
    assert sambench("board", file, "--store", both, "--format", suffix, "--output", target).returncode == 0
    found, document = cells(sambench, file, target)
    assert cells(sambench, file, target.as_uri())[0].keys() == found.keys(), "an address is read like a path"
    theirs = stats.ttest_ind([91.0, 91.35, 91.4, 91.95], [90.0, 90.25, 90.5, 90.75], equal_var=False)
    moved = found["sam", "all"]
    assert moved["p"] == pytest.approx(theirs.pvalue)
    assert (moved["low"], moved["high"]) == pytest.approx(tuple(theirs.confidence_interval()))
    assert found[next(iter(found))]["verdict"] == "identical"
    assert "by Welch's test of the means" in document["notes"][0]


def test_a_commit_of_the_same_store(store: Store, sambench: Command, file: Path) -> None:
    """All were trained by the old commit, all but the base optimizer and fisher again by the new one."""
    for trial in load(file).trials:
        make(store, trial, value(trial, "there"), OLD)
        if trial.perturbs and trial.variant != "fisher":
            assert supersede(store, trial.trial_id)
            make(store, trial, value(trial, "here"), NEW)
    found, document = cells(sambench, file, OLD[:8])
    assert [cell["verdict"] for cell in found.values()] == ["identical", "higher", "no difference shown", "identical"]
    assert found["sam", "all"]["difference"] == pytest.approx(1.05)
    assert "8 results compared with themselves: that commit made them" in document["answer"][-1]
    refused = sambench("board", file, "--against", "1234567")
    assert refused.returncode == 2
    assert "was made by that commit; there are results of aaaaaaaaaa (16), bbbbbbbbbb (8)" in refused.stderr
    refused = sambench("board", file, "--against", NEW[:7], "--where", "variant=fisher")
    assert (refused.returncode, "was made by that commit" in refused.stderr) == (2, True)


def test_every_format(both: Path, sambench: Command, file: Path) -> None:
    for name in ("terminal", "markdown", "latex", "html", "csv"):
        told = sambench("board", file, "--against", both, "--format", name)
        assert told.returncode == 0, told.stderr
        assert "no difference shown" in " ".join(told.stdout.split())


def test_what_is_no_other_side_is_one_sentence(store: Store, both: Path, sambench: Command, tmp_path: Path) -> None:
    file = tmp_path / "rerun.yaml"
    (tmp_path / "text.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    (tmp_path / "broken.json").write_text("{", encoding="utf-8")
    (tmp_path / "empty").mkdir()
    Store.create(tmp_path / "none")
    for against, why in {
        "papers": "did you mean paper; valid: paper, or a store, a bundle, an exported file (.parquet, .csv, .json)",
        "text.csv": "is neither results, which have trial_id and outcome, nor a board",
        "broken.json": "can't be read as results",
        "empty": "no store at",
        "none": "has no test_accuracy of any of the 16 trials",
    }.items():
        refused = sambench("board", file, "--against", against)
        assert refused.returncode == 2, against
        assert why in " ".join(refused.stderr.split()), refused.stderr
        assert "Traceback" not in refused.stderr
