"""The command in this process: a tenth of the time of one of its own, with the same exit code and messages."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from bench.cli import main


class Told(NamedTuple):
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str


Call = Callable[..., Told]


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Run the command with the working directory `tmp_path` and its store `tmp_path/store`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SAMBENCH_STORE", raising=False)

    def run(*arguments: object) -> Told:
        monkeypatch.setattr(sys, "argv", ["sambench", *map(str, arguments)])
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        return Told(code, *capsys.readouterr())

    return run


ON_SWEEPS = ("plan", "run", "status", "watch", "cancel", "measure", "board", "plot", "report", "serve")
