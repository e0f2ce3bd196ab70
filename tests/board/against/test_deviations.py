"""Which trials a number of the paper can be compared with, and what is said of the others."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from bench.board import board as aggregate
from bench.board import make_board
from bench.board.against.compare import compare
from bench.papers.sam_on.deviations import deviations
from bench.papers.sam_on.numbers import PaperCell, Subject, numbers
from bench.store import Store
from bench.trial import Trial
from tests.board.against.cells import sweep_of, trials_of


@pytest.fixture
def cell() -> PaperCell:
    return next(cell for cell in numbers().cells if cell.subject.variant == "fisher")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"epochs": 2, "perturb_until": None}, "epochs 2 (paper: 200)"),
        ({"lr": 0.05}, "lr 0.05 (paper: 0.1)"),
        ({"label_noise": 0.4}, "label_noise 0.4 (paper: 0)"),
        ({"m": 32}, "m 32 (paper: the whole batch)"),
        ({"settings": (("eta", 1.0), ("momentum", 0.5))}, "momentum 0.5 (paper: 0.9)"),
        ({"settings": (("eta", 2.0), ("momentum", 0.9))}, "eta 2 (paper: 1)"),
        ({"image_size": 64}, "image_size 64 (paper: the data set's own)"),
        ({"rho": 7.0}, "rho 7 (paper's grid: 0.05, 0.1, 0.5, 1)"),
        ({"init_from": "/w/mine.pt@sha256:0123"}, "init_from /w/mine.pt (paper: from scratch)"),
        (
            {"optimizer": "adamw", "settings": (("beta1", 0.9), ("beta2", 0.999), ("eps", 0.1), ("eta", 1.0))},
            "eps 0.1 (paper: 1e-08)",
        ),
    ],
)
def test_what_is_trained_otherwise_is_not_comparable(cell: PaperCell, change: dict[str, Any], told: str) -> None:
    trial = trials_of(cell)[0]
    assert deviations(trial, "table1") == []
    assert deviations(dataclasses.replace(trial, **change), "table1") == [told]


def test_rounding_and_the_choice_within_the_grid_leave_a_trial_comparable(cell: PaperCell) -> None:
    trial = dataclasses.replace(trials_of(cell)[0], precision="bfloat16", compile=True, rho=0.5)
    assert deviations(trial, "table1") == []
    assert numbers().find(trial, "test_accuracy", "table1") is cell


def test_the_radius_that_is_judged_is_the_chosen_one(monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
    """Of a sweep over several, those beside the chosen one may lie outside the paper's grid."""
    cell = next(cell for cell in numbers().cells if (cell.subject.variant, cell.subject.scope) == ("sam", "all"))
    trials = [dataclasses.replace(trial, rho=rho) for rho in (0.03, 0.1) for trial in trials_of(cell)]
    for best, words in ((0.1, {"can't be judged"}), (0.03, {"not comparable"})):
        results = {
            trial.trial_id: {"outcome": "done", "val_accuracy": None,
                             "test_accuracy": 75.07 + 0.6 * (trial.seed - 1) - (trial.rho != best)}
            for trial in trials
        }  # fmt: skip
        monkeypatch.setattr(aggregate, "read_results", lambda *_, results=results: results)
        sweep = dataclasses.replace(sweep_of("table1", "test_accuracy", [cell]), trials=tuple(trials))
        found = compare(make_board(store, sweep), "table1")
        assert {each.judgement.word for each in found} == words


def test_the_sparsity_of_only_norm_is_a_number_in_the_paper() -> None:
    cell = next(cell for cell in numbers().cells if cell.subject.scope == "random")
    trial = dataclasses.replace(trials_of(cell)[0], settings=(("mask_seed", 0), ("sparsity", "only_norm")))
    assert numbers().find(trial, "test_accuracy", "table5") is cell


def test_a_trial_of_something_else_has_no_cell(make_trial: Callable[..., Trial]) -> None:
    assert numbers().find(make_trial(), "test_accuracy") is None
    assert Subject.of(make_trial()).dataset == "digits"
