"""Ranking: ranks and tests by hand and by library, missing cells, and a page that says what is so."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from bench.board import Board
from bench.board.cells import Cell, Runs
from bench.board.choice import decide
from bench.board.formats import FORMATS
from bench.board.metric import METRICS, metric_of
from bench.board.rank.rank_page import beaten, conclusions, rank_page
from bench.board.rank.scores import Scores, scores_of
from bench.board.rank.standings import critical_difference, rank_methods
from bench.board.rank.task_layout import TaskLayout
from bench.errors import UserError
from bench.plots.critical_difference import draw_ranking
from bench.store import Store
from bench.sweep import load
from bench.trial import NONE
from tests.shared.store import finish

Command = Callable[..., subprocess.CompletedProcess[str]]


class _Trial:
    dataset, model, optimizer, variant = "digits", "resnet8", "sgd", "sam"


def board_of(means: Mapping[str, Sequence[float | None]], metric: str = "test_accuracy", seeds: int = 3) -> Board:
    """Methods → means in tasks a, b, c, …; seeds lie 0.1 apart around each, None has no result."""
    cells, tasks = {}, "abcdefghij"[: len(next(iter(means.values())))]
    for row, values in means.items():
        for task, mean in zip(tasks, values, strict=True):
            around = {seed: mean + 0.1 * (seed - (seeds - 1) / 2) for seed in range(seeds)} if mean is not None else {}
            runs = Runs(0.1, seeds, around)
            decided = metric_of("test_accuracy"), decide("test_accuracy", [runs.candidate])
            cells[row, task, NONE] = Cell(_Trial, (runs,), runs, *decided)  # type: ignore[arg-type]
    return Board("t", METRICS[metric], TaskLayout((), (), {}), tuple(means), tuple(tasks), (NONE,), cells)


FOUR = {"a1": [90.0, 80.0, 70.0, 60.0], "b2": [89.0, 79.0, 69.0, 59.0], "c3": [88.0, 79.0, 68.0, 61.0]}
"""Ranks of a1: 1 1 1 2; of b2: 2 2.5 2 3; of c3: 3 2.5 3 1."""


def scores(
    means: Mapping[str, Sequence[float | None]], missing: str = "tasks", metric: str = "test_accuracy"
) -> Scores:
    return scores_of(board_of(means, metric), missing)


def test_ranks_wins_and_friedman_by_hand_and_by_scipy() -> None:
    ranking = rank_methods(scores(FOUR))
    assert [(each.method, each.rank) for each in ranking.placed] == [("a1", 1.25), ("b2", 2.375), ("c3", 2.375)]
    # A win rate over complete tasks is (k − rank) / (k − 1).
    assert [each.wins for each in ranking.placed] == pytest.approx([0.875, 0.3125, 0.3125])
    theirs = stats.friedmanchisquare(*FOUR.values())
    assert (ranking.statistic, ranking.p) == pytest.approx((theirs.statistic, theirs.pvalue))
    assert beaten(scores(FOUR), ranking, "b2", "c3") == (1 + 0.5 + 1, 4)


def test_where_lower_is_better_ranks_turn() -> None:
    ranking = rank_methods(scores(FOUR, metric="train_s"))
    assert ranking.placed[-1].method == "a1"


def test_the_critical_difference_is_demsars() -> None:
    """Table 5 (a): q of 5 methods is 2.728; CD = q √(k (k + 1) / 6N), 1.25 for 4 methods and 14 tasks (page 13)."""
    assert critical_difference(5, 30) == pytest.approx(2.728 * (5 * 6 / (6 * 30)) ** 0.5, abs=1e-3)
    assert critical_difference(4, 14) == pytest.approx(1.25, abs=0.01)


def test_nemenyis_p_crosses_five_percent_at_the_critical_difference() -> None:
    many = {name: [90.0 - place + (task % 2) * 0.01 for task in range(10)] for place, name in enumerate("wxyz")}
    ranking = rank_methods(scores(many))
    assert ranking.critical is not None
    ranks = {each.method: each.rank for each in ranking.placed}
    for (one, other), p in ranking.pairs.items():
        assert (p < 0.05) == (abs(ranks[one] - ranks[other]) > ranking.critical), (one, other)
    told = " ".join(conclusions(scores(many), ranking))
    assert "w has the best average rank, 1.00" in told
    assert "methods differ" in told
    assert "tells w from y; w from z; x from z" in told


def test_the_bootstrap_draws_tasks_and_paired_seeds() -> None:
    """Seeds are shared, so that within a task no draw turns the order: only the draw of tasks moves ranks."""
    ranking = rank_methods(scores({"a": [90.0, 80.0], "b": [89.99, 80.01], "c": [1.0, 1.0]}))
    rank_of = {each.method: each for each in ranking.placed}
    # Two tasks, ranks 1 and 2: both draws of one of them in a quarter of cases each.
    assert (rank_of["a"].rank, rank_of["a"].rank_interval) == (1.5, (1.0, 2.0))
    assert rank_of["c"].rank_interval == (3.0, 3.0)


HOLES = {"a": [3.0, 3.0, 3.0], "b": [2.0, None, 2.0], "c": [1.0, 4.0, 1.0], "d": [None, None, None]}


def test_missing_cells_are_left_out_and_said() -> None:
    found = scores(HOLES)
    assert (found.methods, found.tasks, found.complete) == (("a", "b", "c"), ("a", "b", "c"), ("a", "c"))
    assert found.left_out[0] == "d: no result in any task, so it isn't ranked."
    assert found.left_out[1].startswith("b: without a result of b, so that it counts in win rates alone")
    ranking = rank_methods(found)
    assert {each.method: each.rank for each in ranking.placed} == {"a": 1.0, "b": 2.0, "c": 3.0}
    wins = {each.method: each.wins for each in ranking.placed}
    # Of three, two and three methods: a beats all, none, all; c none, all, none.
    assert wins == pytest.approx({"a": (1 + 0 + 1) / 3, "b": 0.5, "c": 1 / 3})
    whole = scores(HOLES, missing="methods")
    assert (whole.methods, whole.complete) == (("a", "c"), ("a", "b", "c"))
    assert "b: left out, since it lacks b." in whole.left_out


def test_no_complete_task_says_what_helps() -> None:
    found = scores({"a": [1.0, None], "b": [2.0, 1.0], "c": [None, 3.0]})
    ranking = rank_methods(found)
    (told,) = conclusions(found, ranking)
    assert "No task has results of all methods" in told
    assert np.isnan(ranking.placed[0].rank)
    assert json.loads(FORMATS["json"](rank_page(found, ranking)))["cells"][0]["average_rank"] is None


def test_two_methods_and_equal_ones_have_no_test(tmp_path: Path) -> None:
    for means in ({"a": [2.0, 2.0], "b": [1.0, 1.0]}, {name: [1.0, 2.0] for name in "abc"}):
        found = scores(means)
        ranking = rank_methods(found)
        assert (ranking.p, ranking.critical, ranking.pairs) == (None, None, {})
        assert "Friedman's test needs" in conclusions(found, ranking)[-1]
        with pytest.raises(UserError, match="--plot: a critical difference needs three methods"):
            draw_ranking(found, ranking, [tmp_path / "rank.png"])


def test_few_tasks_are_told_to_decide_nothing() -> None:
    found = scores({name: [90.0 - place, 80.0 - place] for place, name in enumerate("abcde")})
    told = conclusions(found, rank_methods(found))[-1]
    assert told.startswith("With 2 tasks no two methods could be told apart: the critical difference")


@pytest.mark.parametrize("name", FORMATS)
def test_every_format(name: str) -> None:
    text = FORMATS[name](rank_page(scores(FOUR), rank_methods(scores(FOUR))))
    for told in ("a1", "1.25"):
        assert told in text


SWEEP = """
title: "A task"
recipe: digits-resnet
grid: {model: MODEL, seed: 3}
methods:
  - {}
  - {variant: sam, scope: [all, only_norm], rho: [0.1, 0.2]}
"""


@pytest.fixture
def tasks(store: Store, tmp_path: Path) -> list[Path]:
    """Three sweeps, a task each, with made-up results; sam on all is best everywhere, the others change places."""
    files = []
    for number, model in enumerate(("resnet8", "resnet20", "wrn16_2")):
        file = tmp_path / f"task{number}.yaml"
        file.write_text(SWEEP.replace("MODEL", model), encoding="utf-8")
        for trial in load(file).trials:
            value = {"none": 80.0, "all": 85.0, "only_norm": 79.0 + number}[trial.scope] + trial.seed / 10
            finish(store, trial, test_accuracy=value, val_accuracy=value - (trial.rho or 0))
        files.append(file)
    return files


def test_the_command(tasks: list[Path], sambench: Command, tmp_path: Path) -> None:
    told = sambench("rank", *tasks, "--plot", "out/rank.svg", "--plot", "out/rank.png", "--format", "json")
    assert told.returncode == 0, told.stderr
    document = json.loads(told.stdout)
    assert document["complete_tasks"] == ["resnet8", "resnet20", "wrn16_2"]
    ranks = {each["method"]: each["average_rank"] for each in document["cells"]}
    # Of base optimizer and only_norm, each is second once, and they are equal once.
    assert ranks == {"sam · all": 1.0, "base optimizer": 2.5, "sam · only_norm": 2.5}
    assert {each["rho"] for each in document["scores"]} == {None, 0.1}
    svg = (tmp_path / "out/rank.svg").read_text(encoding="utf-8")
    assert "sam · only_norm" in svg
    assert (tmp_path / "out/rank.png").read_bytes().startswith(b"\x89PNG")


BAD = {
    ("--missing", "taks"): "--missing: unknown choice 'taks'; did you mean tasks",
    ("--methods", "varient"): "--methods: unknown field 'varient'; did you mean variant",
    ("--spread", "stdd"): "--spread: unknown spread 'stdd'; did you mean std",
    ("--plot", "rank.pgn"): "--plot rank.pgn: unknown format 'pgn'; did you mean png",
}


@pytest.mark.parametrize("options", BAD)
def test_bad_input_is_one_sentence(tasks: list[Path], sambench: Command, options: tuple[str, str]) -> None:
    refused = sambench("rank", tasks[0], *options)
    assert refused.returncode == 2
    assert BAD[options] in refused.stderr


def test_base_optimizers_may_compete_too(tmp_path: Path) -> None:
    """A method by its base optimizer as well, and one that trains for as many passes, in a row of its own."""
    file = tmp_path / "several.yaml"
    file.write_text(
        """
title: "Several"
grid: {dataset: digits, model: resnet8, optimizer: [sgd, adamw], lr: 0.05, weight_decay: 0, batch_size: [64, 256]}
methods:
  - {epochs: [2, 4], seed: 2}
  - {variant: sam, scope: all, rho: 0.1, epochs: 2, seed: 2}
""",
        encoding="utf-8",
    )
    trials = load(file).trials
    alone = TaskLayout.of_methods(trials, None)
    assert {alone.row(trial) for trial in trials} == {
        "base optimizer · epochs 2",
        "base optimizer · epochs 4",
        "sam · all",
    }
    assert {alone.column(trial) for trial in trials} == {
        f"resnet8 · {optimizer} · batch_size {size}" for optimizer in ("sgd", "adamw") for size in (64, 256)
    }
    both = TaskLayout.of_methods(trials, "optimizer,variant,scope")
    assert {both.row(trial) for trial in trials} == {
        f"{optimizer} · {rest}" for optimizer in ("sgd", "adamw") for rest in ("epochs 2", "epochs 4", "sam · all")
    }
    assert {both.column(trial) for trial in trials} == {"resnet8 · batch_size 64", "resnet8 · batch_size 256"}


def test_when_a_method_perturbs_is_no_task(tmp_path: Path) -> None:
    file = tmp_path / "late.yaml"
    file.write_text(
        """
title: "Late"
grid: {dataset: digits, model: [resnet8, resnet20], optimizer: sgd, lr: 0.05, weight_decay: 0, batch_size: 64}
methods: [{epochs: 4, seed: 1}, {variant: sam, scope: all, rho: 0.1, epochs: 4, perturb_from: [0, 2], seed: 1}]
""",
        encoding="utf-8",
    )
    trials = load(file).trials
    layout = TaskLayout.of_methods(trials, None)
    assert {layout.row(trial) for trial in trials} == {"base optimizer", "sam · all", "sam · all · perturb_from 2"}
    assert {layout.column(trial) for trial in trials} == {"resnet8", "resnet20"}
