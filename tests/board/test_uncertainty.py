"""Spreads by hand and by library, paired differences, and the seeds that would decide them."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower

from bench.board.formats import as_csv, as_json
from bench.board.page.page import board_page
from bench.board.statistics import Summary, summarize
from bench.board.uncertainty.paired import paired
from bench.board.uncertainty.power import seeds_needed
from bench.board.uncertainty.spread import SPREADS
from tests.board.made_up import SURE, UNSURE, board_of

VALUES = [90.0, 91.0, 92.0, 95.0]


def summary(values: list[float]) -> Summary:
    found = summarize(values)
    assert found is not None
    return found


def test_spreads_of_four_seeds() -> None:
    """Mean 92, squares 4 + 1 + 0 + 9 = 14: std √(14/3) = 2.16, standard error half of it, t 3.182 of that."""
    shown = {name: spread.text(summary(VALUES), 2) for name, spread in SPREADS.items()}
    assert list(shown) == ["std", "sem", "ci95", "bootstrap"]
    assert shown["std"] == "92.00 ± 2.16 (4)"
    assert shown["sem"] == "92.00 ± 1.08 (4)"
    assert shown["ci95"] == "92.00 ± 3.44 (4)"
    low, high = stats.t.interval(0.95, 3, 92, stats.sem(VALUES))
    assert SPREADS["ci95"].bounds(summary(VALUES)) == pytest.approx((low, high))


def test_the_bootstrap_is_scipys() -> None:
    found = SPREADS["bootstrap"].bounds(summary(VALUES))
    random = np.random.default_rng(1)
    theirs = stats.bootstrap((VALUES,), np.mean, n_resamples=20_000, method="percentile", rng=random)
    assert found == pytest.approx(tuple(theirs.confidence_interval), abs=0.06)
    assert found == SPREADS["bootstrap"].bounds(summary(VALUES)), "the same in every run"


@pytest.mark.parametrize("name", SPREADS)
def test_one_seed_has_no_spread(name: str) -> None:
    alone = summary([90.0])
    assert SPREADS[name].bounds(alone) is None
    assert SPREADS[name].errors(alone) == (0.0, 0.0)
    assert "–" in SPREADS[name].text(alone)


@pytest.mark.parametrize("effect", [0.05, 0.3, 1.0, 2.5])
def test_the_seeds_that_are_needed_are_those_of_statsmodels(effect: float) -> None:
    theirs = TTestPower().solve_power(effect, alpha=0.05, power=0.8)
    assert seeds_needed(Summary(effect, 1.0, 3)) == math.ceil(theirs)


def test_no_number_of_seeds_decides_what_is_equal() -> None:
    assert seeds_needed(Summary(0.0, 1.0, 3)) is None
    assert seeds_needed(Summary(0.001, 1.0, 3)) is None
    assert seeds_needed(Summary(1.0, None, 1)) is None


def test_verdicts() -> None:
    """Sure: 1.0 ± 0.1 of 3; unsure: 0.2 ± 0.66 of 3, half an interval 4.303 · 0.656 / √3 = 1.63."""
    found = paired(board_of({"a": SURE, "b": UNSURE, "c": [-each for each in SURE], "d": [3.0]}))
    assert [each.verdict for each in found.values()] == ["better", "inconclusive", "worse", "not testable"]
    unsure = found["b", "model"]
    assert (unsure.low, unsure.high) == pytest.approx((0.2 - 1.63, 0.2 + 1.63), abs=0.01)
    # An effect of 0.305 stds.
    assert unsure.seeds == 87
    assert found["a", "model"].seeds is None


def test_every_format_has_the_differences() -> None:
    board: Any = board_of({"a": SURE, "b": UNSURE})
    for cell in board.cells.values():
        object.__setattr__(cell, "trial", _Trial)
    page = board_page(board)
    assert [grid.caption for grid in page.grids][1].startswith("only_norm − all in points, paired over seeds")
    entries = [line.entries[0] for line in page.grids[1].blocks[0].lines]
    assert [entry.text for entry in entries] == ["+1.00 [+0.75, +1.25]", "+0.20 [−1.43, +1.83]"]
    assert [entry.details for entry in entries] == [("better, n = 3",), ("inconclusive, n = 3; needs 87 seeds",)]
    document = json.loads(as_json(page))
    assert document["spread"] == "std"
    assert [each["seeds_needed"] for each in document["differences"]] == [None, 87]
    assert document["differences"][0]["low"] == pytest.approx(0.7516, abs=1e-3)
    names, *lines = as_csv(page).splitlines()
    assert {"spread", "low", "high", "difference_low", "seeds_needed", "dataset", "model", "optimizer"} <= {
        *names.split(",")
    }
    assert sum("better" in line for line in lines) == 1


class _Trial:
    dataset, model, optimizer, variant = "digits", "resnet8", "sgd", "sam"
