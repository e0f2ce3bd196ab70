"""The command, as users run it: some in processes of their own."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from bench.cli.commands.doctor import Unusable, _packages
from tests.conftest import ROOT, TINY_SWEEP, command_environment

Command = Callable[..., subprocess.CompletedProcess[str]]
RANDOM = "fake:256x1x8x10"


@pytest.fixture(scope="session")
def finished_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a sweep that has run, to be copied."""
    folder = tmp_path_factory.mktemp("finished")
    # Random images, of which there are fewer: nothing here asks what was learned.
    (folder / "tiny.yaml").write_text(TINY_SWEEP.replace("digits", f"'{RANDOM}'"), encoding="utf-8")
    subprocess.run(
        [sys.executable, "-m", "bench", "run", "tiny.yaml", "--on", "inline"],
        cwd=folder,
        env=command_environment(folder),
        check=True,
    )
    return folder


@pytest.fixture
def finished(finished_once: Path, tmp_path: Path) -> Path:
    """A sweep that has run, with its store beside it."""
    shutil.copytree(finished_once, tmp_path, dirs_exist_ok=True)
    return tmp_path / "tiny.yaml"


def test_the_main_job(finished: Path, sambench: Command, process: Command, tmp_path: Path) -> None:
    plan = json.loads(process("plan", finished, "--json").stdout)
    assert {key: plan[key] for key in ("trials", "done", "missing", "failed")} == {
        "trials": 10,
        "done": 10,
        "missing": 0,
        "failed": 0,
    }
    assert {item["status"] for item in plan["items"]} == {"done"}

    again = process("run", finished)
    assert again.returncode == 0
    assert again.stderr.splitlines() == [
        f"{RANDOM}: random images, from which nothing can be learned",
        "tiny: 10 trials: 10 done",
    ]

    assert "base optimizer" in sambench("board", finished).stdout
    assert sambench("board", finished, "--format", "markdown", "--output", "out/board.md").returncode == 0
    assert (tmp_path / "out/board.md").read_text(encoding="utf-8").startswith("### Tiny")
    assert len(list(csv.DictReader(io.StringIO(sambench("board", finished, "--format", "csv").stdout)))) == 5

    assert sambench("plot", finished, "--output", "out/a.png", "--output", "out/a.svg").returncode == 0
    assert (tmp_path / "out/a.png").stat().st_size > 10_000

    assert "10 done" in sambench("status", finished).stdout
    trial = plan["items"][0]["trial_id"]
    log = sambench("logs", trial[:8]).stdout
    assert "epoch 2/2" in log


def test_query_formats(finished: Path, sambench: Command, tmp_path: Path) -> None:
    sql = "SELECT variant, count(*) AS n FROM results GROUP BY ALL ORDER BY ALL"
    assert sambench("query", sql, "--csv").stdout == "variant,n\nnone,2\nsam,8\n"
    assert json.loads(sambench("query", sql, "--json").stdout) == [
        {"variant": "none", "n": 2},
        {"variant": "sam", "n": 8},
    ]
    assert sambench("query", sql, "--parquet", "out/rows.parquet").returncode == 0
    assert pq.read_table(tmp_path / "out/rows.parquet").num_rows == 2
    assert "variant" in sambench("query", sql).stdout


def test_a_damaged_result_is_named_and_trained_again(finished: Path, sambench: Command, tmp_path: Path) -> None:
    victim = sorted(tmp_path.glob("store/trials/*/measures.parquet"))[0]
    victim.write_bytes(b"garbage")
    ran = sambench("run", finished, "--on", "inline")
    assert ran.returncode == 0
    assert f"damaged file set aside, its trial runs again: {victim}" in ran.stderr
    assert sambench("query", "SELECT count(*) AS n FROM results WHERE test_accuracy > 0", "--csv").stdout == "n\n10\n"


@pytest.mark.slow
def test_a_failed_trial(tiny_sweep: Path, sambench: Command) -> None:
    setting = ("--set", "lr=1e9", "--set", "seed=1", "--set", "variant=sam", "--set", "rho=1", "--set", "scope=all")
    text = tiny_sweep.read_text(encoding="utf-8").replace("  - {seed: 2}\n", "")
    tiny_sweep.write_text(text)
    ran = sambench("run", tiny_sweep, "--on", "inline", *setting)
    assert ran.returncode == 1
    assert "diverged: " in ran.stderr
    assert "--retry failed" in ran.stderr
    status = sambench("status", tiny_sweep, *setting).stdout
    assert "1 failed" in status
    assert "Diverged: the loss is" in status
    assert "1 diverged" in sambench("board", tiny_sweep, *setting).stdout
    assert sambench("run", tiny_sweep, "--on", "inline", *setting).returncode == 1
    count = ("query", "SELECT count(*) AS n FROM attempts", "--csv")
    assert sambench(*count).stdout == "n\n1\n"
    sambench("run", tiny_sweep, "--on", "inline", "--retry", "failed", *setting)
    assert sambench(*count).stdout == "n\n2\n"


def test_all_faults_of_a_sweep_at_once(process: Command, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("title: x\ngrid: {modle: resnet8, lr: -1}\n")
    told = process("run", "bad.yaml")
    assert told.returncode == 2
    assert "bad.yaml:2:8: grid.modle: unknown field 'modle'; did you mean model" in told.stderr
    assert "bad.yaml:1:1: dataset: has no value" in told.stderr, "a fault hides no other"
    assert "bad.yaml:2:28: grid.lr: input should be greater than 0, not -1" in told.stderr


def test_a_store_that_cannot_be_written(tiny_sweep: Path, sambench: Command, tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file, no folder")
    told = sambench("run", tiny_sweep)
    assert told.returncode == 2
    assert "is a file, and a store is a folder" in told.stderr


@pytest.mark.share(1, of="a Ray of its own")
@pytest.mark.slow
def test_gpus_that_are_not_there(tiny_sweep: Path, sambench: Command) -> None:
    tiny_sweep.write_text(tiny_sweep.read_text(encoding="utf-8") + "resources: {gpus: 64}\n")
    told = sambench("run", tiny_sweep, "--set", "m=4")
    assert told.returncode == 2
    assert "64 GPUs asked for" in told.stderr


def test_a_closed_pipe_is_no_error(finished: Path, tmp_path: Path) -> None:
    command = f"{sys.executable} -m bench query 'SELECT * FROM history, range(2000)' --csv | head -1"
    told = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=tmp_path,
        env=command_environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.stdout.startswith("trial_id,")
    assert "Traceback" not in told.stderr


def test_an_empty_folder_is_a_store_to_be(tiny_sweep: Path, sambench: Command, tmp_path: Path) -> None:
    """A fresh volume of a container is there before the first run."""
    (tmp_path / "store").mkdir()
    assert "10 missing" in sambench("plan", tiny_sweep).stdout
    assert "can be created" in sambench("doctor").stdout


def test_doctor(sambench: Command) -> None:
    told = sambench("doctor")
    assert told.returncode == 0
    for subject in ("Python", "packages", "torch", "Ray", "SLURM", "store"):
        assert subject in told.stdout


@pytest.mark.slow
def test_a_foreign_package_of_the_same_name_ends_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "cluster").mkdir()
    (tmp_path / "cluster" / "__init__.py").write_text("")
    environment = command_environment(tmp_path) | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    told = subprocess.run(
        [sys.executable, "-m", "bench", "doctor"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 2
    assert "Traceback" not in told.stderr
    assert "`cluster`" in told.stderr


def test_doctor_names_a_foreign_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command takes its own all the same; a program that imports ours wouldn't."""
    assert _packages().startswith("bench and cluster from")
    (tmp_path / "cluster").mkdir()
    (tmp_path / "cluster" / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(Unusable, match=f"would get {tmp_path}/cluster/__init__.py for `cluster`"):
        _packages()
