"""A board against the paper, from a store: what is told of its cells, its gaps and its guesses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.board import show_board
from bench.board.formats import FORMATS, as_json
from bench.errors import UserError
from bench.papers.sam_on.numbers import numbers
from bench.store import Store
from bench.sweep import Sweep, load
from bench.sweep.select import where
from tests.board.conftest import Write
from tests.shared.store import finish

SWEEP = """
title: "Table 1, in part"
recipe: cifar-resnet
grid: {dataset: cifar100, model: [resnet56, wrn28_10], augment: [basic, basic+aa], seed: 3}
methods:
  - {}
  - {variant: [sam, fisher], scope: [all, only_norm], rho: paper}
paper: table1
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """One that is only read, and filled by `part`."""
    return Store.create(tmp_path_factory.mktemp("part") / "store")


@pytest.fixture(scope="module")
def part(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    """A sweep with the paper's results for all but one method, one seed of which was pruned and one diverged."""
    file = tmp_path_factory.mktemp("sweep") / "written.yaml"
    file.write_text(SWEEP, encoding="utf-8")
    sweep = load(file)
    for trial in sweep.trials:
        cell = numbers().find(trial, "test_accuracy", "table1")
        assert cell is not None
        assert cell.mean is not None
        value = cell.mean + (trial.seed - 1) * (cell.std or 0.0)
        if (trial.variant, trial.scope, trial.model) == ("fisher", "all", "resnet56"):
            outcome = ("done", "pruned", "diverged")[trial.seed]
            finish(store, trial, outcome, test_accuracy=50.0)
        else:
            finish(store, trial, test_accuracy=value)
    return sweep


def test_a_board_against_the_paper_from_a_store(store: Store, part: Sweep) -> None:
    page = show_board(store, part, against="paper")
    document = json.loads(as_json(page))
    words = [record["verdict"] for record in document["cells"]]
    hidden = [record for record in document["cells"] if "half of the paper's effect" in record["reason"]]
    assert (words.count("reproduced"), words.count("can't be judged")) == (18 - len(hidden), 2 + len(hidden))
    assert {record["reason"] for record in document["cells"] if record not in hidden} == {"", "one seed has no std"}
    first = next(record for record in hidden if (record["column"], record["scope"]) == ("basic | ResNet-56", "all"))
    assert (first["paper_effect"], first["paper_rival"], first["margin"]) == (0.51, "only_norm", 0.255)
    said = "\n".join((*page.lead, *page.notes))
    assert (
        f"20 cells: {18 - len(hidden)} reproduced, 0 higher, 0 lower, {2 + len(hidden)} can't be judged, 0 not comp"
        in said
    )
    assert "Of table1, 58 cells have no trial in this sweep." in said
    about = [claim for claim in document["claims"] if claim["claim"] == "only_norm beats all"]
    assert len(about) == 8
    # Two have one seed; in three, both methods have the same std, so that all pairs differ by the same.
    assert sum(claim["p"] is None for claim in about) == 2 + 3


@pytest.mark.parametrize("name", ["markdown", "latex", "html", "json"])
def test_the_mark_of_a_guess_is_explained_in_every_format(store: Store, part: Sweep, name: str) -> None:
    page = show_board(store, part)
    (line,) = [line for line in page.grids[0].blocks[0].lines if line.label == "Fisher"]
    assert ("ρ 1?" in line.entries[1].details, "ρ 0.1" in line.entries[0].details) == (True, True)
    assert "?: a guess; which" in FORMATS[name](page)
    assert "ρ = 1 for fisher/only_norm on cifar100: the paper's mark is lost, the value is a guess" in page.notes


def test_pruned_and_diverged_trials_enter_no_mean(store: Store, part: Sweep) -> None:
    page = show_board(store, part)
    (line,) = [line for line in page.grids[0].blocks[0].lines if line.label == "Fisher"]
    assert line.entries[0].text == "50.00 ± – (1)"
    assert {"1 pruned", "1 diverged"} < set(line.entries[0].details)


def test_where_selects_and_a_layout_of_its_own_excludes_another(store: Store, part: Sweep) -> None:
    page = show_board(store, where(part, ["variant=none"]), against="paper")
    assert "4 cells: 4 reproduced" in page.lead[0]
    with pytest.raises(Exception, match="leave out --rows and --cols"):
        show_board(store, part, against="paper", rows="variant,scope", columns="model,augment")
    with pytest.raises(UserError, match="the paper doesn't report train_s"):
        show_board(store, part, against="paper", metric="train_s")


def test_without_any_result(tmp_path: Path, write: Write) -> None:
    page = show_board(Store.create(tmp_path / "empty"), write(SWEEP), against="paper")
    assert page.lead[0] == "No trial is done yet."
    assert "20 not comparable" in page.lead[1]
