"""Sweeps whose ρ isn't chosen yet: every command says what is waited for and shows what there is."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.store import Store
from bench.sweep import load
from tests.cli.conftest import Call
from tests.shared.store import finish

GRID = "recipe: digits-resnet\ngrid: {model: resnet8, epochs: 1, batch_size: 256, seed: 1}\n"
CHOICE = "  - {variant: sam, scope: [all, only_norm], epochs: 2, rho: {choose: search}}\n"
FILES = {
    "search": f"title: Search\n{GRID}methods: [{{variant: sam, scope: [all, only_norm], rho: [0.1, 0.2]}}]\n",
    "use": f"title: Use\n{GRID}methods:\n{CHOICE}",
    "mixed": f"title: Mixed\n{GRID}methods:\n  - {{}}\n{CHOICE}",
    "circle": f"title: Circle\n{GRID}methods:\n{CHOICE.replace('search', 'circle')}",
}
WAITS = "2 ρ choices are waiting for 4 trials of search: sambench run search.yaml"
COMMANDS = ("plan", "board", "report", "status", "watch", "plot", "cancel")


@pytest.fixture(autouse=True)
def files(tmp_path: Path) -> None:
    for name, text in FILES.items():
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")


@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_but_what_is_waited_for(call: Call, command: str) -> None:
    told = call(command, "use.yaml")
    assert told.code == 0, told.err
    assert WAITS in told.out + told.err
    assert "2 trials of use can't be planned until then" in told.out + told.err


@pytest.mark.parametrize("command", ["plan", "cancel"])
def test_a_circle_is_told_with_its_place(call: Call, command: str) -> None:
    told = call(command, "circle.yaml")
    assert told.code == 2
    assert told.err.startswith("circle.yaml:5:61: methods[0].rho: circular `choose`: circle → circle; give one of")


@pytest.mark.slow
def test_what_waits_for_nothing_is_shown(call: Call, store: Store, tmp_path: Path) -> None:
    finish(store, load("mixed.yaml").trials[0], test_accuracy=91.0, val_accuracy=92.0)
    left_out = "2 trials are left out until their ρ is chosen from results of search."
    for command in ("board", "report", "status", "plot", "cancel"):
        told = call(command, "mixed.yaml")
        assert (told.code, WAITS in told.err) == (0, True), command
    assert left_out in call("board", "mixed.yaml", "--format", "markdown").out
    assert call("report", "use.yaml", "mixed.yaml").code == 0
    page = (tmp_path / "out/report.html").read_text(encoding="utf-8")
    assert left_out in page
    assert "Mixed" in page
    assert "1 done" in call("plan", "mixed.yaml").out


def test_one_choice_of_two_is_made(call: Call, store: Store) -> None:
    for trial in load("search.yaml").trials:
        if trial.scope == "all":
            finish(store, trial, val_accuracy=80.0)
    plan = call("plan", "use.yaml").out
    assert "ρ = 0.1 for digits sam/all: best of 0.1, 0.2 in search by mean val_accuracy (80.00, n = 1); a tie" in plan
    assert "1 ρ choice is waiting for 2 trials of search" in plan
    assert "1 trial of use can't be planned until then" in plan
