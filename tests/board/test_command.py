"""`sambench board`: its options, formats and what it refuses."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.store import Store
from bench.sweep import load
from tests.shared.store import finish

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def filled(store: Store, tiny_sweep: Path) -> Path:
    """The tiny sweep with a made-up result for every trial."""
    for trial in load(tiny_sweep).trials:
        finish(store, trial, test_accuracy=90.0 + trial.seed + (trial.rho or 0.0))
    return tiny_sweep


def test_formats_and_layouts(filled: Path, sambench: Command, tmp_path: Path) -> None:
    for name, beginning in {"latex": "% needs", "html": "<!DOCTYPE", "markdown": "###", "csv": "row,"}.items():
        told = sambench("board", filled, "--format", name)
        assert (told.returncode, told.stdout.startswith(beginning)) == (0, True), told.stderr
    free = sambench("board", filled, "--rows", "scope", "--cols", "rho", "--where", "variant=sam", "--format", "json")
    cells = json.loads(free.stdout)["cells"]
    assert sorted((cell["row"], cell["column"], cell["mean"]) for cell in cells) == [
        ("all", "0.05", 90.55),
        ("all", "0.1", 90.6),
        ("only_norm", "0.05", 90.55),
        ("only_norm", "0.1", 90.6),
    ]
    against = sambench("board", filled, "--against", "paper", "--output", "out/against.md")
    assert against.returncode == 0
    assert "3 not comparable" in (tmp_path / "out/against.md").read_text(encoding="utf-8")


def test_a_sweep_without_any_result_says_so(store: Store, tiny_sweep: Path, sambench: Command) -> None:
    for more in ((), ("--against", "paper"), ("--format", "csv"), ("--format", "latex")):
        told = sambench("board", tiny_sweep, *more)
        assert told.returncode == 0, told.stderr
    assert "No trial is done yet" in told.stdout


BAD = {
    ("--format", "latx"): "--format: unknown format 'latx'; did you mean latex",
    ("--against", "papers"): "--against: unknown choice 'papers'; did you mean paper",
    ("--rows", "variant", "--cols", "modle"): "--cols: unknown field 'modle'; did you mean model",
    ("--where", "scope=al"): "--where scope=al: unknown value 'al'; did you mean all",
    ("--metric", "test_acuracy"): "--metric: unknown measure 'test_acuracy'; did you mean test_accuracy",
    ("--output", "tiny.yaml/board.md"): "tiny.yaml/board.md: can't be written",
}


@pytest.mark.parametrize("options", BAD, ids=" ".join)
def test_bad_options(store: Store, tiny_sweep: Path, sambench: Command, options: tuple[str, ...]) -> None:
    told = sambench("board", tiny_sweep, *options)
    assert (told.returncode, told.stdout) == (2, "")
    assert BAD[options] in " ".join(told.stderr.split())
    assert "Traceback" not in told.stderr
