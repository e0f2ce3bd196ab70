"""The board image by image: statistics by hand and by library, and the command on outputs that are kept."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from statsmodels.stats.contingency_tables import mcnemar as theirs

from bench.board.examples.agreement import mcnemar
from bench.board.examples.predictions import Predictions
from bench.measures.outputs import Outputs
from bench.store import Store
from bench.store.outputs import write_outputs
from bench.sweep import load
from tests.shared.store import finish

Command = Callable[..., Any]


def of_correct(correct: np.ndarray) -> Predictions:
    """Two classes, of which 1 is always right."""
    return Predictions(tuple(range(len(correct))), np.ones(correct.shape[1], dtype=int), correct.astype(int))


@pytest.mark.parametrize(("one", "other"), [(0, 0), (5, 5), (1, 9), (30, 12)])
def test_mcnemar_is_that_of_statsmodels(one: int, other: int) -> None:
    expected = theirs([[50, one], [other, 50]], exact=True).pvalue
    assert mcnemar(one, other) == pytest.approx(min(1.0, expected))


def test_noise_is_what_is_left_of_seeds_and_images() -> None:
    """Two seeds, four images: 1100 and 1010. Rests ±¼ on the two that differ: mean square 4 · ¼ / 3, over 4 images."""
    noise = of_correct(np.array([[1, 1, 0, 0], [1, 0, 1, 0]])).test_set_std
    assert noise == pytest.approx(100 * (2 * 2 * 0.25 / 3 / 4) ** 0.5)


def test_seeds_that_are_equally_good_spread_by_noise_alone() -> None:
    random = np.random.default_rng(0)
    hard = random.uniform(0.6, 1.0, 4000)
    alike = of_correct(random.uniform(size=(60, 4000)) < hard)
    assert alike.test_set_share is not None
    assert 0.7 < alike.test_set_share <= 1
    skill = random.normal(0, 0.03, (60, 1))
    unlike = of_correct(random.uniform(size=(60, 4000)) < np.clip(hard + skill, 0, 1))
    assert unlike.test_set_share is not None
    assert unlike.test_set_share < 0.1


def test_one_seed_has_no_noise_to_tell() -> None:
    alone = of_correct(np.array([[1, 0, 1]]))
    assert (alone.test_set_std, alone.test_set_share, alone.own_agreement) == (None, None, None)


SWEEP = """
title: "Examples"
recipe: digits-resnet
grid: {model: resnet8, seed: 3}
methods:
  - {}
  - {variant: sam, scope: [all, only_norm], rho: 0.1}
"""
WRONG = {"none": (10, 40), "all": (20, 40), "only_norm": (0, 40)}
"""Of 100 images, each method is wrong on these and, for one seed each, on one more."""


@pytest.fixture
def file(store: Store, tmp_path: Path) -> Path:
    path = tmp_path / "examples.yaml"
    path.write_text(SWEEP, encoding="utf-8")
    for trial in load(path).trials:
        finish(store, trial, test_accuracy=70.0, val_accuracy=70.0)
        wrong = [*range(*WRONG[trial.scope]), 50 + trial.seed]
        logits = np.full((100, 3), -5.0, dtype=np.float16)
        logits[:, 0] = 0
        logits[wrong, 0], logits[wrong, 1] = -1, 0
        write_outputs(store.folder(trial.trial_id), Outputs.of(logits, np.zeros(100, dtype=np.int32)))
    return path


def test_the_command(file: Path, sambench: Command) -> None:
    told = sambench("board", file, "--examples", "--format", "json")
    assert told.returncode == 0, told.stderr
    document = json.loads(told.stdout)
    means = {cell["scope"]: cell["mean"] for cell in document["cells"]}
    assert means == pytest.approx({"none": 69.0, "all": 79.0, "only_norm": 59.0})
    pairs = {(each["scope"], each["other_scope"]): each for each in document["pairs"]}
    assert set(pairs) == {("only_norm", "all"), ("all", "none"), ("only_norm", "none")}
    both = pairs["only_norm", "all"]
    assert both["agreement"] == pytest.approx(80)
    assert (both["only_first"], both["only_second"], both["difference"]) == pytest.approx((0, 20, -20))
    assert both["mcnemar_p"] == pytest.approx([2 * 0.5**20] * 3)
    # Each of 100 images gains −1 with probability 0.2: binomial with a std of 4 points.
    assert (both["low"], both["high"]) == pytest.approx((-28, -12), abs=1.01)
    assert "McNemar's test tells a difference in 9 of 9 pairs of models." in document["answer"][-1]


def test_the_csv_has_the_pairs_below_the_cells(file: Path, sambench: Command) -> None:
    rows = [*csv.DictReader(sambench("board", file, "--examples", "--format", "csv").stdout.splitlines())]
    cells, pairs = [row for row in rows if row["mean"]], [row for row in rows if row["other_scope"]]
    assert [row["scope"] for row in cells] == ["none", "all", "only_norm"]
    assert rows == [*cells, *pairs]
    told = {(row["scope"], row["other_scope"]): row for row in pairs}
    both = told["only_norm", "all"]
    assert (both["seeds"], both["n"], float(both["difference"])) == ("0 1 2", "3", pytest.approx(-20))
    assert [*map(float, both["mcnemar_p"].split())] == pytest.approx([2 * 0.5**20] * 3)
    assert len(told) == 3


def test_every_format_and_what_is_lacking(file: Path, sambench: Command, store: Store) -> None:
    first = store.folder(load(file).trials[0].trial_id)
    first.outputs.unlink()
    for name in ("terminal", "markdown", "latex", "html", "csv"):
        told = sambench("board", file, "--examples", "--format", name)
        assert told.returncode == 0, told.stderr
    assert "1 done trials have no outputs kept" in sambench("board", file, "--examples").stdout
    for options, why in (
        (("--metric", "nll"), "--examples: is about the test accuracy of this store; leave out --metric"),
        (("--against", "paper"), "leave out --against"),
    ):
        refused = sambench("board", file, "--examples", *options)
        assert (refused.returncode, why in refused.stderr) == (2, True)
    for folder in store.folders():
        folder.outputs.unlink(missing_ok=True)
    refused = sambench("board", file, "--examples")
    assert refused.returncode == 2
    assert "no trial of examples has its outputs kept; `sambench measure" in refused.stderr


def test_different_images_are_refused(file: Path, sambench: Command, store: Store) -> None:
    trial = load(file).trials[0]
    labels = np.ones(100, dtype=np.int32)
    write_outputs(store.folder(trial.trial_id), Outputs.of(np.zeros((100, 3), dtype=np.float16), labels))
    refused = sambench("board", file, "--examples")
    assert (refused.returncode, "were tested on different images" in refused.stderr) == (2, True)
