"""Steps that were not what the method says: told on the board, by `status` and in the report, with the reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from bench.board import make_board, show_board
from bench.board.weak_steps import remarks
from bench.report.summary import summary
from bench.store import Store, states
from bench.trial import Trial
from tests.board.conftest import Write
from tests.shared.command import Ended
from tests.shared.store import done

SWEEP = """
title: "Weak steps"
recipe: digits-resnet
grid: {model: resnet8, seed: 3}
methods: [{variant: sam, scope: all, rho: 0.5}]
"""


def test_lost_steps_are_told_everywhere_with_the_reason(
    store: Store, write: Write, sambench: Callable[..., Ended]
) -> None:
    sweep = write(SWEEP)
    counts = ((6, 0), (1, 0), (0, 50))
    for trial, (unperturbed, skipped) in zip(sweep.trials, counts, strict=True):
        done(store, trial, 90.0 + trial.seed, steps=100, unperturbed_steps=unperturbed, skipped_steps=skipped)
    first, _, last = (trial.trial_id for trial in sweep.trials)
    told = (
        "More than 1 % of the steps unperturbed, as the base optimizer's alone, in 1 of 3 done trials, because the "
        f"ascent norm was zero or not finite: {first} 6 % (resnet8 sgd sam/all ρ 0.5 seed 0).",
        "More than 1 % of the steps skipped, without any update, in 1 of 3 done trials, because the gradient norm was "
        f"not finite: {last} 50 % (resnet8 sgd sam/all ρ 0.5 seed 2).",
    )
    board = make_board(store, sweep)
    assert board.weak_steps == told
    assert set(told) < set(show_board(store, sweep).notes)
    assert set(told) < set(summary(sweep, board, states(store, [trial.trial_id for trial in sweep.trials])))
    shown = " ".join(sambench("status", "written.yaml", "--store", store.root).stdout.split())
    assert all(line in shown for line in told)


@pytest.mark.parametrize(
    ("fields", "result", "share"),
    [
        ({}, {"unperturbed_steps": 2}, "2 %"),
        ({}, {"unperturbed_steps": 1, "skipped_steps": 1}, None),
        # Four ascents a step, of which two processes make two each.
        ({"batch_size": 64, "m": 16}, {"unperturbed_steps": 4}, None),
        ({"batch_size": 64, "m": 16}, {"unperturbed_steps": 6}, "1.5 %"),
        ({"batch_size": 64, "m": 16}, {"unperturbed_steps": 3, "world_size": 2}, "1.5 %"),
        # Half of the epochs are plain on purpose.
        ({"epochs": 4, "perturb_from": 2}, {"unperturbed_steps": 1}, "2 %"),
        # Made by an earlier version, which didn't record how many steps there were; or not done.
        ({}, {"unperturbed_steps": 90, "steps": None}, None),
        ({}, {"unperturbed_steps": 90, "outcome": "diverged"}, None),
    ],
)
def test_the_share_is_of_the_steps_that_were_meant(
    make_trial: Callable[..., Trial], fields: Mapping[str, Any], result: Mapping[str, Any], share: str | None
) -> None:
    trial = make_trial(variant="sam", scope="all", rho=0.5, **fields)
    known = {"outcome": "done", "steps": 100, "world_size": 1}
    found = remarks([trial], {trial.trial_id: {**known, **result}})
    assert [line.split(": ")[1].partition(" ")[2].partition(" (")[0] for line in found] == ([share] if share else [])


def test_many_are_counted_and_the_worst_are_named(make_trial: Callable[..., Trial]) -> None:
    trials = [make_trial(seed=seed) for seed in range(5)]
    results = {each.trial_id: {"outcome": "done", "steps": 100, "skipped_steps": 5 + each.seed} for each in trials}
    (line,) = remarks(trials, results)
    assert f"in 5 of 5 done trials, because the gradient norm was not finite: {trials[4].trial_id} 9 %" in line
    assert line.endswith("and 2 more.")


OUT_OF_RANGE = """
title: "ρ and η of another unit"
grid: {dataset: digits, model: vit_mini, optimizer: sgd, lr: 0.05, weight_decay: 0, batch_size: 512, epochs: 2, seed: 1}
methods:
  - {variant: sam, rho: 1e38, perturb_from: 1}
  - {variant: elementwise_l2, rho: 0.1, eta: 1e30}
"""


@pytest.mark.slow
def test_as_they_come_out_of_a_training(tmp_path: Path, sambench: Callable[..., Ended]) -> None:
    """Nothing is finite at w + ε of such a ρ, and no norm of such an η is: both trials end as if nothing were wrong."""
    (tmp_path / "units.yaml").write_text(OUT_OF_RANGE, encoding="utf-8")
    ran = sambench("run", "units.yaml", "--on", "inline")
    assert (ran.returncode, "2 trials: 2 done" in ran.stderr) == (0, True), ran.stderr
    sambench("report", "units.yaml", "--output", "report.html")
    report = (tmp_path / "report.html").read_text(encoding="utf-8")
    for text in (sambench("board", "units.yaml").stdout, sambench("status", "units.yaml").stdout, report):
        words = " ".join(text.split())
        assert "because the ascent norm was zero or not finite" in words
        assert " 100 % (vit_mini sgd elementwise_l2/all" in words
        assert "because the gradient norm was not finite" in words
        assert " 50 % (vit_mini sgd sam/all" in words
