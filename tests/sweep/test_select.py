"""Trials that `--where` asks for, also of a sweep that waits for choices of ρ."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.errors import UserError
from bench.sweep import Sweep, load
from bench.sweep.select import where

GRID = "recipe: digits-resnet\ngrid: {model: [resnet8, resnet20], seed: 1}\n"
SEARCH = f"title: S\n{GRID}methods: [{{variant: [sam, fisher], scope: all, rho: [0.1, 1]}}]\n"
USE = f"title: U\n{GRID}methods:\n  - {{}}\n  - {{variant: [sam, fisher], scope: all, rho: {{choose: search}}}}\n"


@pytest.fixture
def waiting(tmp_path: Path) -> Sweep:
    """Of each model one trial that can be run, and two that wait for a ρ."""
    (tmp_path / "search.yaml").write_text(SEARCH, encoding="utf-8")
    (tmp_path / "use.yaml").write_text(USE, encoding="utf-8")
    return load(tmp_path / "use.yaml")


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        (["scope"], "--where scope: write FIELD=VALUE"),
        (["scop=all"], "--where: unknown field 'scop'; did you mean scope"),
        (["variant=fsher"], "--where variant=fsher: unknown value 'fsher'; did you mean fisher"),
        (["variant=none", "scope=all"], "no trial of use has all of these values"),
        (["rho=1"], "--where rho=1: unknown value '1'; valid: –"),
    ],
)
def test_bad_conditions(waiting: Sweep, conditions: list[str], message: str) -> None:
    with pytest.raises(UserError) as error:
        where(waiting, conditions)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("conditions", "trials", "held", "waits"),
    [
        ([], 2, 4, 4),
        (["variant=none"], 2, 0, 0),
        (["rho=–"], 2, 0, 0),
        (["model=resnet8"], 1, 2, 2),
        (["variant=sam", "model=resnet20"], 0, 1, 1),
        (["variant=sam", "variant=fisher"], 0, 4, 4),
    ],
)
def test_what_waits_is_selected_with_what_it_waits_for(
    waiting: Sweep, conditions: list[str], trials: int, held: int, waits: int
) -> None:
    kept = where(waiting, conditions)
    assert (len(kept.trials), len(kept.held), len(kept.waits)) == (trials, held, waits)
