"""What is told when measuring is stopped."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import NoReturn

import pytest
from click.exceptions import Exit

from bench.cli.commands.measuring import _take
from bench.measures.names import parse
from bench.store import Store
from bench.sweep import load
from cluster.job import Job

SHARP = "sharpness[m=64,steps=2]"
WORDS = ["sambench", "measure", "tiny.yaml", "--on", "inline", SHARP, "--where", "seed=0"]


def test_the_command_to_go_on_with_is_one_that_a_shell_takes(
    store: Store, tiny_sweep: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr("cluster.inline.measure", stop)
    monkeypatch.setattr("bench.cli.interrupts.signal.signal", lambda number, answer: None)
    monkeypatch.setattr(sys, "argv", WORDS)
    sweep = load(tiny_sweep)
    with pytest.raises(Exit):
        _take(Job(store=store.root), sweep, {sweep.trials[0].trial_id: (parse(SHARP),)})
    told, command = capsys.readouterr().err.splitlines()
    assert told == "stopped: 0 of 1 are taken, nothing is lost; resume with:"
    assert shlex.split(command) == WORDS
    assert f"'{SHARP}'" in command
