"""The one rule for ρ: which measure, which ρ, and what is said of a doubtful choice."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.board import formats
from bench.board.board import make_board
from bench.board.choice import decide, selection_measure
from bench.board.chooser import StoreChooser
from bench.board.page.page import board_page
from bench.store import Store
from bench.sweep import load
from bench.sweep.choose import Candidate
from tests.shared.store import finish

MIXED = """
title: "Mixed"
recipe: digits-resnet
grid: {dataset: [digits, "fake:64x1x8x10"], model: resnet8, seed: 2}
methods: [{variant: sam, scope: all, rho: [0.1, 0.2, 0.4]}]
"""


def candidate(rho: float, mean: float | None, n: int = 2) -> Candidate:
    return Candidate(rho=rho, mean=mean, n=n, expected=2)


@pytest.mark.parametrize(
    ("means", "chosen", "ties", "left_out", "edge"),
    [
        ([90.0, 95.0, 80.0], 0.2, [], [], None),
        ([90.0, 95.0, 95.0], 0.2, [0.4], [], None),
        ([90.0, 80.0, 70.0], 0.1, [], [], "smallest"),
        ([90.0, 91.0, 92.0], 0.4, [], [], "largest"),
        ([90.0, 91.0, None], 0.2, [], [0.4], None),
        ([None, None, None], 0.1, [], [], None),
    ],
)
def test_rule(
    means: list[float | None], chosen: float, ties: list[float], left_out: list[float], edge: str | None
) -> None:
    tried = [candidate(rho, mean, 2 if mean else 0) for rho, mean in zip((0.1, 0.2, 0.4), means, strict=True)]
    decision = decide("test_accuracy", tried[::-1])
    assert decision.chosen.rho == chosen
    assert [each.rho for each in decision.ties] == ties
    assert [each.rho for each in decision.left_out] == left_out
    assert decision.edge == edge
    doubts = len(ties) + len(left_out) + bool(edge) + (decision.chosen.n == 0)
    assert len(decision.remarks) == doubts


def test_a_rho_with_fewer_seeds_does_not_compete() -> None:
    decision = decide("test_accuracy", [candidate(0.1, 90.0), candidate(0.2, 99.0, n=1)])
    assert decision.chosen.rho == 0.1
    assert decision.remarks == ("ρ 0.2 left out: 1 of 2 seeds have a result",)


def test_of_a_measure_that_is_better_lower_the_lowest_wins() -> None:
    assert decide("sharpness", [candidate(0.1, 0.3), candidate(0.2, 0.1)]).chosen.rho == 0.2


def test_validation_comes_first() -> None:
    assert selection_measure([{"val_accuracy": None}, {"val_accuracy": 1.0}], "test_accuracy") == "val_accuracy"
    assert selection_measure([{"val_accuracy": None}, {}], "nll") == "nll"


@pytest.fixture
def mixed(tmp_path: Path, store: Store) -> Path:
    """Digits with a validation split, on which ρ 0.2 is best, and data without one, on which ρ 0.4 is."""
    file = tmp_path / "mixed.yaml"
    file.write_text(MIXED, encoding="utf-8")
    for trial in load(file).trials:
        assert trial.rho is not None
        rank = (0.1, 0.2, 0.4).index(trial.rho)
        if trial.dataset == "digits":
            finish(store, trial, val_accuracy=[70.0, 75.0, 72.0][rank], test_accuracy=[90.0, 88.0, 91.0][rank])
        else:
            finish(store, trial, test_accuracy=[80.0, 90.0, 95.0][rank])
    return file


def test_each_cell_is_chosen_by_the_measure_that_it_has(mixed: Path, store: Store) -> None:
    board = make_board(store, load(mixed))
    chosen = {cell.trial.dataset: (cell.chosen.rho, cell.selection.name) for cell in board.cells.values()}
    assert chosen == {"digits": (0.2, "val_accuracy"), "fake:64x1x8x10": (0.4, "test_accuracy")}
    means = {cell.trial.dataset: summary.mean for cell in board.cells.values() if (summary := cell.chosen.summary)}
    assert means == {"digits": 88.0, "fake:64x1x8x10": 95.0}
    text = formats.markdown(board_page(board))
    assert "ρ chosen by mean val_accuracy in digits · resnet8 among the swept values." in text
    assert "ρ chosen by mean test_accuracy in fake:64x1x8x10 · resnet8 among the swept values, the same split" in text


def test_a_sweep_that_chooses_decides_as_the_board_does(mixed: Path, store: Store) -> None:
    use = mixed.with_name("use.yaml")
    use.write_text(MIXED.replace("[0.1, 0.2, 0.4]", "{choose: mixed}").replace("seed: 2", "seed: 1"), encoding="utf-8")
    sweep = load(use, chooser=StoreChooser(store))
    assert {trial.dataset: trial.rho for trial in sweep.trials} == {"digits": 0.2, "fake:64x1x8x10": 0.4}
    assert {choice.by for choice in sweep.choices} == {"val_accuracy", "test_accuracy"}
    remarks = [choice.remarks for choice in sweep.choices if choice.by == "test_accuracy"]
    assert remarks == [("ρ 0.4 is the largest tried: a better one may lie beyond",)]
