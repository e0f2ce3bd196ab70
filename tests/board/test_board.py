"""The board: statistics by hand, ρ chosen on validation, what is missing marked."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from bench.board import Board, formats, make_board
from bench.board.answer import answer
from bench.board.page.page import board_page
from bench.board.statistics import paired_difference, summarize
from bench.store import Store
from bench.sweep import Sweep, load
from tests.shared.store import finish

SWEEP = """
title: "Hand-made"
recipe: digits-resnet
grid: {model: [resnet8, resnet20], seed: 3}
methods:
  - {}
  - {variant: sam, scope: [all, only_norm], rho: [0.1, 0.2, 0.4]}
measures: [test_accuracy, best_test_accuracy]
"""

# (model, scope, ρ) → validation and test accuracy of the three seeds.
RESULTS = {
    ("resnet8", "none", None): ([50, 50, 50], [90, 91, 92]),
    ("resnet8", "all", 0.1): ([70, 70, 70], [93, 93, 93]),
    ("resnet8", "all", 0.2): ([80, 80, 80], [92, 93, 94]),
    ("resnet8", "all", 0.4): ([10, 10, 10], [99, 99, 99]),
    ("resnet8", "only_norm", 0.1): ([60, 60, 60], [95, 95, 95]),
    ("resnet8", "only_norm", 0.2): ([60, 60, 60], [80, 80, 80]),
    ("resnet8", "only_norm", 0.4): ([55, 55, 55], [70, 70, 70]),
}


@pytest.fixture
def sweep(tmp_path: Path) -> Sweep:
    file = tmp_path / "hand.yaml"
    file.write_text(SWEEP, encoding="utf-8")
    return load(file)


@pytest.fixture
def board(store: Store, sweep: Sweep) -> Board:
    """resnet8 is complete; of resnet20, the base optimizer has two seeds and a divergence, sam/all one seed."""
    for trial in sweep.trials:
        found = RESULTS.get((trial.model, trial.scope, trial.rho))
        if found:
            val, test = (values[trial.seed] for values in found)
            finish(store, trial, val_accuracy=val, test_accuracy=test, best_test_accuracy=100.0)
        elif trial.scope == "none":
            finish(store, trial, "diverged" if trial.seed == 2 else "done", val_accuracy=1.0, test_accuracy=70.0)
        elif (trial.scope, trial.rho, trial.seed) == ("all", 0.1, 0):
            finish(store, trial, val_accuracy=1.0, test_accuracy=71.0)
    return make_board(store, sweep)


RESNET8, RESNET20 = "resnet8", "resnet20"


def test_std_is_the_sample_std() -> None:
    summary = summarize([90, 91, 95])
    assert summary is not None
    assert (summary.mean, summary.n) == (92, 3)
    assert summary.std == pytest.approx(7**0.5)
    assert summary.text() == "92.0 ± 2.6 (3)"


def test_one_run_has_no_std() -> None:
    summary = summarize([90])
    assert summary is not None
    assert summary.text() == "90.0 ± – (1)"
    assert summarize([]) is None


def test_differences_are_paired_over_shared_seeds() -> None:
    pair = paired_difference({0: 5, 1: 7, 2: 100}, {0: 4, 1: 4, 3: 0})
    assert pair is not None
    assert (pair.mean, pair.n) == (2, 2)
    assert pair.std == pytest.approx(2**0.5)
    assert paired_difference({0: 1}, {1: 1}) is None


def test_layout(board: Board) -> None:
    assert board.rows == ("base optimizer", "sam")
    assert board.columns == (RESNET8, RESNET20)
    assert board.scopes == ("all", "only_norm")


def test_rho_is_chosen_on_validation_not_on_test(board: Board) -> None:
    cell = board.cells["sam", RESNET8, "all"]
    assert (cell.chosen.rho, cell.decision.edge) == (0.2, None)
    assert cell.chosen.summary.text() == "93.0 ± 1.0 (3)"


def test_of_equals_the_smallest_rho_is_chosen_and_an_edge_is_marked(board: Board) -> None:
    cell = board.cells["sam", RESNET8, "only_norm"]
    assert (cell.chosen.rho, cell.decision.edge) == (0.1, "smallest")


def test_better_and_best(board: Board) -> None:
    assert board.better("sam", RESNET8) == board.best(RESNET8) == ("sam", RESNET8, "only_norm")
    assert board.better("base optimizer", RESNET8) is None
    assert board.better("sam", RESNET20) is None
    assert board.best(RESNET20) == ("sam", RESNET20, "all")


def test_only_norm_against_all(board: Board) -> None:
    pair = board.difference("sam", RESNET8, "only_norm", "all")
    assert pair is not None
    assert pair.text(2, sign=True) == "+2.00 ± 1.00 (3)"
    assert "only_norm is ahead in 1 and behind in 0 of 1 comparison." in "\n".join(answer(board))


def test_markdown(board: Board) -> None:
    text = formats.markdown(board_page(board))
    assert "| base optimizer | 91.0 ± 1.0 (3) |  | 70.0 ± 0.0 (2)<br>1 diverged |  |" in text
    assert "| sam | 93.0 ± 1.0 (3)<br>ρ 0.2 | <u>**95.0 ± 0.0 (3)**</u><br>ρ 0.1†= |" in text
    assert "| <u>71.0 ± – (1)</u><br>ρ 0.1‡<br>2 of 3 seeds missing | –<br>3 of 3 seeds missing |" in text
    assert "ρ chosen by mean val_accuracy" in text


def test_csv_has_every_swept_rho(board: Board) -> None:
    rows = list(csv.DictReader(io.StringIO(formats.as_csv(board_page(board)))))
    assert len(rows) == 2 * (1 + 2 * 3)
    chosen = [row for row in rows if row["chosen"] == "True"]
    assert len(chosen) == 2 * 3
    (row,) = [row for row in rows if (row["column"], row["scope"], row["rho"]) == (RESNET8, "all", "0.4")]
    assert (row["mean"], row["std"], row["n"], row["expected"], row["chosen"]) == ("99.0", "0.0", "3", "3", "False")
    assert [row["failures"] for row in rows if row["failures"]] == ["diverged:1"]


def test_terminal_shows_every_cell_whole(board: Board) -> None:
    console = Console(width=160, record=True, file=io.StringIO())
    console.print(formats.terminal(board_page(board)))
    text = console.export_text()
    for expected in ("91.0 ± 1.0 (3)", "ρ 0.1†", "1 diverged", "2 of 3 seeds missing", "only_norm − all"):
        assert expected in text


def test_many_scopes_become_lines(store: Store, write: Callable[[str], Sweep]) -> None:
    board = make_board(
        store,
        write(
            """
title: "Scopes"
recipe: digits-resnet
grid: {model: [resnet8, resnet20], seed: 1}
methods: [{}, {variant: sam, scope: [all, only_norm, no_norm], rho: 1}]
"""
        ),
    )
    header, _, *lines = [line for line in formats.markdown(board_page(board)).splitlines() if line.startswith("|")]
    assert header == "| variant / scope | resnet8 | resnet20 |"
    assert [line.split(" | ")[0] for line in lines] == [
        "| base optimizer",
        "| sam / all",
        "| sam / only_norm",
        "| sam / no_norm",
    ]


def test_another_metric(store: Store, sweep: Sweep, board: Board) -> None:
    other = make_board(store, sweep, "best_test_accuracy")
    assert other.cells["sam", RESNET8, "all"].chosen.summary.mean == 100


def test_a_board_without_any_result(store: Store, sweep: Sweep) -> None:
    empty = make_board(store, sweep)
    assert empty.empty
    assert "3 of 3 seeds missing" in formats.markdown(board_page(empty))
    assert "No trial is done yet" in formats.markdown(board_page(empty))
    assert answer(empty) == ["No trial is done yet: none of 42 has a test_accuracy."]


def test_what_varies_beside_the_method_is_a_column_and_settings_are_rows(
    tmp_path: Path, store: Store, write: Callable[[str], Sweep]
) -> None:
    sweep = write(
        """
title: "Layout"
recipe: digits-resnet
grid: {model: resnet8, label_noise: [0.2, 0.4], seed: 1}
methods: [{variant: fisher, eta: [1, 2], rho: 1}]
"""
    )
    board = make_board(store, sweep)
    assert board.columns == (f"{RESNET8} · label_noise 0.2", f"{RESNET8} · label_noise 0.4")
    assert board.rows == ("fisher · eta 1", "fisher · eta 2")


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Sweep]:
    def written(text: str) -> Sweep:
        file = tmp_path / "written.yaml"
        file.write_text(text, encoding="utf-8")
        return load(file)

    return written
