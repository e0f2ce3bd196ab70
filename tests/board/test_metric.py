"""Metrics with settings: looked up by their names, better where lower, and no reason to choose a ρ."""

from __future__ import annotations

import pytest

from bench.board import make_board, show_board
from bench.board.formats import markdown
from bench.board.metric import METRICS, metric_of
from bench.errors import UserError
from bench.measures.names import parse
from bench.papers.sam_on.numbers import numbers
from bench.store import Store
from bench.store.measured import Quantity, add_measure
from bench.sweep import Sweep
from tests.board.conftest import Write
from tests.shared.store import finish

SHARP = "sharpness[rho=0.003]"
SWEEP = """
title: "Two ρ"
recipe: cifar-resnet
grid: {dataset: cifar100, model: wrn28_10, augment: basic, seed: 2}
methods: [{variant: sam, scope: [all, only_norm], rho: [0.1, 0.5]}]
measures: [test_accuracy, "sharpness[rho=0.003]"]
"""


@pytest.fixture
def sweep(store: Store, write: Write) -> Sweep:
    """All is flatter than only_norm, and the ρ that classifies worse is flatter than the other; one isn't measured."""
    sweep = write(SWEEP)
    for trial in sweep.trials:
        assert trial.rho is not None
        finish(store, trial, test_accuracy=80 + 10 * trial.rho)
        if trial.seed == 0 or trial.scope == "all":
            value = 0.0712 - 0.1 * trial.rho + (0.02 if trial.scope == "only_norm" else 0.0) + 0.001 * trial.seed
            add_measure(store.folder(trial.trial_id), Quantity("sharpness", '{"rho":0.003}'), value)
    return sweep


def test_what_stands_for_a_metric() -> None:
    metric = metric_of("sharpness[steps=20, rho=3e-3]")
    assert (metric.name, metric.column) == (SHARP, f'"{SHARP}"')
    assert (metric.lower_is_better, metric.unit, metric.digits) == (True, "nats", 3)
    assert metric_of("sharpness[rho=0.005]") == METRICS["sharpness"]
    assert metric_of("robust_accuracy[eps=2/255]").unit == "%"
    with pytest.raises(UserError, match="unknown measure 'sharpnes'; did you mean sharpness"):
        metric_of("sharpnes")
    with pytest.raises(UserError, match="unknown setting of sharpness 'roh'"):
        metric_of("sharpness[roh=1]")
    with pytest.raises(UserError, match=r"unknown measure 'epoch_s'; .*`sambench list measures` lists them"):
        metric_of("epoch_s[rho=1]")


def test_the_lower_is_the_better_at_the_rho_that_classifies_best(store: Store, sweep: Sweep) -> None:
    board = make_board(store, sweep, SHARP)
    assert {cell.selection.name for cell in board.cells.values()} == {"test_accuracy"}
    assert {cell.chosen.rho for cell in board.cells.values()} == {0.5}
    column = board.columns[0]
    assert board.best(column) == ("sam", column, "all")
    text = markdown(show_board(store, sweep, metric=SHARP))
    assert "<u>**0.022 ± 0.001 (2)**</u>" in text
    assert "1 not measured" in text
    assert f"{SHARP} in nats, lower is better" in text.replace("\\", "")


def test_what_nobody_took_is_not_measured(store: Store, sweep: Sweep) -> None:
    board = make_board(store, sweep, "feature_rank[centre=feature]")
    assert [cell.chosen.unmeasured for cell in board.cells.values()] == [2, 2]


def test_the_papers_measures_are_ours() -> None:
    names = {cell.measure for cell in numbers().cells}
    assert all(parse(name).name == name for name in names)
    assert {"sharpness[rho=0.003]", "feature_rank", "robust_accuracy[eps=0.1,norm=l2]"} < names
