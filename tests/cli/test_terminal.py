"""What comes from a store, a sweep or a log is shown on the terminal, and never obeyed by it."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.table import Table
from rich.text import Text

from bench.cli.render import terminal
from bench.cli.render.console import Safe
from bench.escape import visible
from bench.store import Store, acquire
from bench.trial import Trial
from tests.cli.conftest import Call, call
from tests.shared.store import ended, finish

__all__ = ["call"]

TITLE = "\x1b]0;owned\x07"
EVIL = f"{TITLE}\x1b[2J\x9b31m\r\b\u202e[/bold][link=file:///etc]:smile:"


def obeyed(text: str) -> list[str]:
    """Characters that a terminal would obey."""
    return [character for character in text if not character.isprintable() and character != "\n"]


def test_control_characters_are_written_out() -> None:
    assert visible("a\x1b[31mb\r\n\tρ\x7f\x85\u202e\udc80") == "a\\x1b[31mb\\r\n\tρ\\x7f\\x85\\u202e\\udc80"


@pytest.mark.parametrize("wrapped", [str, Text, lambda text: Text("x", style="bold") + Text(text)])
def test_a_console_sends_only_its_own(wrapped: Callable[[str], object]) -> None:
    sink = io.StringIO()
    console = Safe(file=sink, force_terminal=True, width=200, color_system="truecolor")
    console.print(wrapped(EVIL))
    table = Table(title=wrapped(EVIL))  # type: ignore[arg-type]
    table.add_column(wrapped(EVIL))  # type: ignore[arg-type]
    table.add_row(wrapped(EVIL))  # type: ignore[arg-type]
    console.print(table, style="red")
    printed = sink.getvalue()
    assert "\x1b[31m" in printed, "its own colours are sent"
    for part in (TITLE, "\x1b[2J", "\x9b", "\r", "\b", "\u202e", "\x07"):
        assert part not in printed
    assert "[/bold][link=file:///etc]:smile:" in printed


def test_commands_show_what_a_store_holds(
    call: Call, make_trial: Callable[..., Trial], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = tmp_path / "tiny.yaml"
    sweep.write_text(
        "title: Tiny\ngrid: {dataset: digits, model: resnet8, optimizer: sgd, lr: 0.05, weight_decay: 5e-4, "
        "batch_size: 256, epochs: 2, seed: 2}\nmethods: [{}]\n"
    )
    store = Store.create(tmp_path / "store")
    trials = {trial.seed: trial for trial in _load(sweep)}
    store.add([trials[0]])
    failed = acquire(store, store.folder(trials[0].trial_id), "test")
    assert failed is not None
    failed.end(replace(ended(failed.folder, 1), outcome="error", message=EVIL, host=EVIL, device=EVIL))
    finish(store, make_trial(seed=9, model=f"x{EVIL}"), "error")
    store.folder(trials[0].trial_id).log.write_text(f"line {EVIL}\n", encoding="utf-8", errors="surrogateescape")
    store.add(trials.values())
    held = acquire(store, store.folder(trials[1].trial_id), "test")
    assert held is not None
    claim = held.folder.claim(1)
    claim.write_text(json.dumps(json.loads(claim.read_text()) | {"host": EVIL, "launcher": EVIL}))
    (store.trials / f"odd{EVIL.replace('/', '')}").mkdir()
    monkeypatch.setattr(terminal, "write", lambda text: sys.stdout.write(visible(text)))
    for command in (
        ["status", sweep], ["logs", trials[0].trial_id], ["store", "check"], ["query", "SELECT model FROM trials"],
        ["query", "SELECT nothing FROM trials"], ["plan", sweep], ["board", sweep], ["logs", EVIL], ["plan", EVIL],
    ):  # fmt: skip
        told = call(*command, "--store", store.root)
        assert obeyed(told.out + told.err) == [], command
    held.abandon()


def test_data_for_programs_is_as_it_is_and_shown_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal.write(EVIL)
    assert capsys.readouterr().out == EVIL
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    terminal.write(EVIL)
    assert obeyed(capsys.readouterr().out) == []


def _load(sweep: Path) -> tuple[Trial, ...]:
    from bench.sweep import load

    return tuple(load(sweep).trials)
