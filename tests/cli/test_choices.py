"""A sweep that chooses its ρ from another's results, and the list of sweeps, by the command."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Command = Callable[..., subprocess.CompletedProcess[str]]

GRID = "recipe: digits-resnet\ngrid: {model: resnet8, epochs: 1, batch_size: 256, seed: 1}\n"
SEARCH = f'title: "Search"\n{GRID}methods: [{{variant: sam, scope: [all, only_norm], rho: [0.1, 0.2]}}]\n'
USE = f"""title: "Use"
{GRID}methods:
  - {{}}
  - {{variant: sam, scope: [all, only_norm], epochs: 2, rho: {{choose: search}}}}
"""


@pytest.fixture
def use(tmp_path: Path) -> Path:
    (tmp_path / "search.yaml").write_text(SEARCH, encoding="utf-8")
    (tmp_path / "use.yaml").write_text(USE, encoding="utf-8")
    return Path("use.yaml")


@pytest.mark.slow
def test_the_search_is_waited_for_and_then_runs_first(use: Path, sambench: Command, tmp_path: Path) -> None:
    waiting = "2 ρ choices are waiting for 4 trials of search: sambench run search.yaml --store"
    plan = sambench("plan", use)
    assert plan.returncode == 0
    assert waiting in plan.stdout
    assert "2 trials of use can't be planned until then" in plan.stdout
    planned = json.loads(sambench("plan", use, "--json").stdout)
    assert planned["trials"] == 1
    assert [len(wait["trials"]) for wait in planned["waiting"]] == [2, 2]

    refused = sambench("run", use, "--on", "inline")
    assert refused.returncode == 2
    assert waiting in refused.stderr
    assert "run that first, or add --with-choices" in refused.stderr
    assert not (tmp_path / "store").exists()

    ran = sambench("run", use, "--on", "inline", "--with-choices")
    assert ran.returncode == 0
    assert "search: 4 trials: 4 done" in ran.stderr
    assert "use: 3 trials: 3 done" in ran.stderr

    plan = json.loads(sambench("plan", use, "--json").stdout)
    assert (plan["done"], plan["waiting"]) == (3, [])
    lineage = plan["choices"][0]
    assert {name: lineage[name] for name in ("sweep", "by", "n")} == {"sweep": "search", "by": "val_accuracy", "n": 1}
    assert [each["rho"] for each in lineage["candidates"]] == [0.1, 0.2]
    best = max(lineage["candidates"], key=lambda each: each["mean"])
    assert lineage["rho"] == best["rho"]
    told = f"ρ = {best['rho']:g} for digits sam/all: best of 0.1, 0.2 in search by mean val_accuracy"
    assert told in sambench("plan", use).stdout
    assert "ρ of 2 methods chosen by mean val_accuracy in search" in sambench("board", use).stdout


def test_a_board_without_the_choice_says_what_it_waits_for(use: Path, sambench: Command, tmp_path: Path) -> None:
    text = USE.replace("  - {}\n", "")
    (tmp_path / use).write_text(text, encoding="utf-8")
    for command in ("board", "status", "plot"):
        told = sambench(command, use)
        assert told.returncode == 0
        assert "2 ρ choices are waiting for 4 trials of search" in told.stderr


@pytest.mark.slow
def test_smoke_runs_apart_from_the_real_trials(use: Path, sambench: Command, tmp_path: Path) -> None:
    assert sambench("run", use, "--smoke", "--on", "inline", "--with-choices").returncode == 0
    assert "3 done" in sambench("status", use, "--smoke").stdout
    assert sambench("plot", use, "--smoke").returncode == 0
    assert (tmp_path / "out" / "use-smoke.png").exists()
    plan = sambench("plan", use).stdout
    assert "1 missing" in plan
    assert "2 ρ choices are waiting for 4 trials" in plan


def test_the_list_of_sweeps(use: Path, sambench: Command, tmp_path: Path) -> None:
    told = json.loads(sambench("sweeps", ".", "--json").stdout)
    assert not told["paper"], "none of the paper's sweeps is here"
    listed = told["sweeps"]
    assert [(line["sweep"], line["title"], line["trials"]) for line in listed] == [
        ("search", "Search", 4),
        ("use", "Use", 3),
    ]
    assert listed[1]["waiting"] == ["search"]
    assert listed[0]["gpu_hours"] > 0
    shown = sambench("sweeps", ".").stdout
    assert "≈" in shown
    assert "estimated for one A100" in shown


def test_a_faulty_sweep_is_named_and_the_others_listed(use: Path, sambench: Command, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("title: x\ngrid: {modle: resnet8}\n", encoding="utf-8")
    told = sambench("sweeps", ".")
    assert told.returncode == 2
    assert "Search" in told.stdout
    assert "bad.yaml:2:8: grid.modle: unknown field 'modle'" in told.stderr


def test_a_folder_without_sweeps(sambench: Command) -> None:
    told = sambench("sweeps", "nowhere")
    assert told.returncode == 2
    assert "nowhere: isn't a folder" in told.stderr
