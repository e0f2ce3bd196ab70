"""Bad input is one message that says what, where and what would be right, and exit code 2."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench.store import Store
from bench.sweep import load
from tests.cli.conftest import Call
from tests.shared_store import finish

WITHOUT_STORE = {
    "run tiny.yaml --on slrum": "--on: unknown launcher 'slrum'; did you mean slurm; valid: ray, slurm, inline",
    "run tiny.yaml --on inline --profile here": "--profile: is for --on slurm, not for --on inline",
    "run tiny.yaml --on slurm --address here:1": "--address: is for --on ray, not for --on slurm",
    "run tiny.yaml --retry all": "--retry: unknown choice 'all'; valid: failed",
    "plan tinny.yaml": "tinny.yaml: no such file; did you mean tiny.yaml",
    "plan tinny": "tinny: no such file; did you mean tiny.yaml",
    "plan .": ".: is a folder; name a file in it: tiny.yaml",
    "plan tiny.yaml --max-trials 9": "stands for 10 trials, more than 9: scope 2 × rho 2 × seed 2 = 8; seed 2 = 2; ",
    "status tiny.yaml --max-trials 9": "stands for 10 trials, more than 9: scope 2 × rho 2 × seed 2 = 8; seed 2 = 2; ",
    "plan tiny.yaml --set lr=1 --set lr=2": "--set lr: is given twice; write several values as --set 'lr=[1, 2]'",
    "cancel tinny.yaml": "tinny.yaml: no such file; did you mean tiny.yaml",
    "plan elsewhere/tiny.yaml": "elsewhere/tiny.yaml: no such file, and no .yaml file in elsewhere/",
    "sweeps tiny.yaml": "tiny.yaml: is no folder of sweep files",
    "plan tiny.yaml --set sede=1": "--set sede=1: unknown field 'sede'; did you mean seed",
    "plan tiny.yaml --set seed": "--set seed: write FIELD=VALUE",
    "board tiny.yaml --metric accuracy": "--metric: unknown measure 'accuracy'",
    "board tiny.yaml": "no store at",
    "board tiny.yaml --store tiny.yaml": "no store at",
    "status tiny.yaml": "no store at",
    "measure tiny.yaml": "no store at",
    "measure tiny.yaml shapness": "unknown measure 'shapness'; did you mean sharpness; valid: ",
    "measure tiny.yaml sharpness[roh=1]": "unknown setting of sharpness 'roh'; did you mean rho; valid: norm, ",
    "measure tiny.yaml sharpness[rho=-1]": "rho (its radius ρ): input should be greater than 0, not -1",
    "measure tiny.yaml --on slurm": "--on: unknown way of measuring 'slurm'; valid: ray, inline",
    "measure tiny.yaml --on inline --address here:1": "--address: is for --on ray, not for --on inline",
    "board tiny.yaml --metric sharpness[roh=1]": "--metric: measure 'sharpness[roh=1]': unknown setting of sharpness",
    "plot tiny.yaml --output a.jpg": "--output a.jpg: unknown format 'jpg'",
    "query SELECT_1": "no store at",
    "logs abc": "no store at",
}
WITH_STORE = {
    "plot tiny.yaml --output tiny.yaml/a.png": "tiny.yaml/a.png: can't be written: ",
    "report tiny.yaml --output store": "store: can't be written: Is a directory",
    "query SELECT_1 --parquet store": "store: can't be written: Is a directory",
    "query SELECT_1 --csv --json": "--csv, --json and --parquet: choose one of them",
    "cancel tiny.yaml --where varant=sam": "--where: unknown field 'varant'; did you mean variant",
    "cancel abcd": "trial 'abcd': 0 trials of",
    "cancel abcd --smoke": "--set, --smoke and --where: choose among the trials of a sweep, and abcd is a trial",
}


@pytest.mark.parametrize("command", ["plan", "run", "status", "board", "report", "plot", "cancel"])
def test_a_pipe_or_folder_as_a_sweep(tiny_sweep: Path, call: Call, tmp_path: Path, command: str) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "weights").mkdir()
    told = call(command, "pipe.yaml")
    assert (told.code, "pipe.yaml: is no plain file" in told.err) == (2, True), told.err
    told = call(command, "weights")
    assert (told.code, "weights: is a folder; name a file" in told.err) == (2, True), told.err


@pytest.mark.parametrize("line", WITHOUT_STORE)
def test_without_a_store(tiny_sweep: Path, call: Call, tmp_path: Path, line: str) -> None:
    told = call(*line.split())
    assert told.code == 2
    assert WITHOUT_STORE[line] in told.err
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("line", WITH_STORE)
def test_with_a_store(tiny_sweep: Path, store: Store, call: Call, line: str) -> None:
    finish(store, load(tiny_sweep).trials[0], test_accuracy=90.0)
    told = call(*(word.replace("_", " ") if word.startswith("SELECT") else word for word in line.split()))
    assert told.code == 2
    assert WITH_STORE[line] in told.err


def test_done_without_the_metric_is_not_taken_for_not_done(tiny_sweep: Path, store: Store, call: Call) -> None:
    finish(store, load(tiny_sweep).trials[0], test_accuracy=90.0)
    board = call("board", tiny_sweep, "--metric", "val_accuracy")
    assert (board.code, "No trial has a val_accuracy: 1 of 10 are done and lack it." in board.out) == (0, True)
    plot = call("plot", tiny_sweep, "--metric", "val_accuracy")
    assert (plot.code, plot.err) == (0, "nothing to plot yet: no trial of tiny has a val_accuracy\n")


def test_a_store_without_results_is_no_mistake(tiny_sweep: Path, store: Store, call: Call, tmp_path: Path) -> None:
    assert "none of 10 has a test_accuracy" in call("board", tiny_sweep).out
    assert "nothing to plot yet" in call("plot", tiny_sweep).err
    assert "10 missing" in call("status", tiny_sweep).out
    assert call("report", tiny_sweep).code == 0
    assert "10 missing" in (tmp_path / "out/report.html").read_text(encoding="utf-8")
