"""The yardstick: six of one's own, of at most 30 lines each, from an empty folder outside the repository, in one sweep.

The same on SLURM is in `tests/slurm/test_plugins.py`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import bench
from bench.cli.commands.new import EXAMPLES
from bench.store import Store, query
from tests.shared.command import command_environment, sambench
from tests.shared.plugins import YARDSTICK, forgotten, write_yardstick

NUMBERS = 'SELECT trial_id, test_accuracy, "ece:ece" FROM results ORDER BY trial_id'

OTHERS = """
title: "Examples as they are"
recipe: digits-resnet
grid: {model: resnet8, epochs: 1, batch_size: 512, seed: 1, optimizer: "bench.examples.sign_sgd:SignSgd", lr: 0.01,
       augment: "bench.examples.brightness:brightness", beta: 0.5}
"""


def measured(folder: Path, on: str, store: str) -> list[dict[str, object]]:
    """Results of the sweep, run by a launcher and measured afterwards."""
    with forgotten():
        for command, by in (("run", on), ("measure", "inline")):
            told = sambench(folder, command, "sweep.yaml", "--on", by, "--store", store)
            assert told.returncode == 0, told.stderr
        assert "2 taken" in told.stderr
    return query(Store.open(folder / store), NUMBERS).to_pylist()


@pytest.mark.share(1, of="plug-ins of all kinds")
@pytest.mark.slow
def test_all_six_inline_and_read_without_being_imported(tmp_path: Path) -> None:
    write_yardstick(tmp_path)
    assert all(len((tmp_path / f"{name}.py").read_text().splitlines()) <= 30 for name in YARDSTICK.values())
    rows = measured(tmp_path, "mine:Mine", "store")
    assert rows == measured(tmp_path, "inline", "inline")
    assert all(0 <= row["ece:ece"] <= 100 for row in rows)
    attempts = query(Store.open(tmp_path / "store"), "SELECT launcher, plugins FROM results WHERE variant != 'none'")
    (attempt,) = attempts.to_pylist()
    assert attempt["launcher"] == "mine:Mine"
    used = json.loads(attempt["plugins"])
    assert used.keys() == {"wsam:Wsam", "biases:Biases", "mlp:mlp", "wine:wine"}
    assert used["mlp:mlp"]["file"] == str(tmp_path / "mlp.py")

    for name in YARDSTICK.values():
        (tmp_path / f"{name}.py").write_text("raise SystemExit('imported')")
    recorded = tmp_path / "store" / "plugins"
    for name, junk in (("a", "{"), ("b", '{"kind": "variant"}'), ("c", '{"kind": "method", "path": 3}'), ("d", "[]")):
        (recorded / f"{name}.json").write_text(junk)
    (recorded / "e.json").symlink_to(tmp_path / "sweep.yaml")
    for words in (["board"], ["board", "--metric", "ece:ece"], ["status"], ["logs"], ["report", "--output", "r.html"]):
        read = sambench(tmp_path, words[0], "sweep.yaml", *words[1:])
        assert read.returncode == 0, read.stderr
    board = sambench(tmp_path, "board", "sweep.yaml", "--format", "markdown").stdout
    assert "wsam:Wsam" in board
    with forgotten():
        assert str(bench.open(tmp_path / "store").board(tmp_path / "sweep.yaml")) == board
    refused = sambench(tmp_path, "plan", "sweep.yaml")
    assert refused.returncode == 2
    assert "can't be imported: SystemExit: imported" in refused.stderr
    unread = sambench(tmp_path, "status", "sweep.yaml", "--store", "elsewhere")
    assert unread.returncode == 2
    assert "isn't recorded in the store" in unread.stderr


@pytest.mark.slow
@pytest.mark.share(0)
def test_all_six_on_ray(tmp_path: Path) -> None:
    write_yardstick(tmp_path)
    assert measured(tmp_path, "ray", "store") == measured(tmp_path, "inline", "inline")


def test_an_optimizer_and_an_augmentation_of_an_installed_package(tmp_path: Path) -> None:
    (tmp_path / "sweep.yaml").write_text(OTHERS)
    ran = sambench(tmp_path, "run", "sweep.yaml", "--on", "inline")
    assert ran.returncode == 0, ran.stderr
    select = "SELECT outcome, beta, change FROM results"
    assert query(Store.open(tmp_path / "store"), select).to_pylist() == [
        {"outcome": "done", "beta": 0.5, "change": 0.2}
    ]


@pytest.mark.share(1, of="plug-ins of all kinds")
@pytest.mark.slow
def test_every_example_passes_the_test_that_is_written_with_it(tmp_path: Path) -> None:
    for kind in EXAMPLES:
        written = sambench(tmp_path, "new", kind, f"my_{kind}")
        assert written.returncode == 0, written.stderr
        assert f"my_{kind}:" in written.stderr
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error"],
        cwd=tmp_path,
        env={**command_environment(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f"{len(EXAMPLES)} passed" in ran.stdout


def test_new_writes_over_nothing(tmp_path: Path) -> None:
    for words, said in (
        (("method", "mine"), "unknown kind 'method'; valid: variant, scope,"),
        (("scope", "My-Scope"), "'My-Scope': write a module name in lower-case letters"),
        (("scope", "torch"), "torch: is the name of an existing module"),
    ):
        told = sambench(tmp_path, "new", *words)
        assert told.returncode == 2
        assert said in told.stderr
    assert os.listdir(tmp_path) == []
    (tmp_path / "test_mine.py").write_text("kept")
    told = sambench(tmp_path, "new", "scope", "mine")
    assert told.returncode == 2
    assert "test_mine.py: already exists" in told.stderr
    assert os.listdir(tmp_path) == ["test_mine.py"]
