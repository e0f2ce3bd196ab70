"""What a board answers in words, and the report's: only what the seeds support."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from bench.board import Board
from bench.board.answer import answer
from bench.board.footnotes import Origin
from bench.report.summary import summary
from bench.store import State
from tests.board.made_up import SURE, UNSURE, board_of


def test_sure_and_unsure_differences_are_told_apart() -> None:
    """1.0 ± 0.1 of 3: half of the interval is 4.303 · 0.1 / √3 = 0.25."""
    told, certain = answer(board_of({"a": SURE, "b": UNSURE, "c": [-each for each in SURE]}))
    assert "(n = 3): from −1.00 to +1.00 points; only_norm is ahead in 2 and behind in 1 of 3 comparisons." in told
    assert certain == (
        "The 95 % interval of the difference excludes zero in 1 for and 1 against only_norm; inconclusive in 1."
    )


@pytest.mark.parametrize("values", [[3.0], [3.0, 3.0, 3.0]])
def test_one_seed_and_seeds_that_all_differ_alike_prove_nothing(values: list[float]) -> None:
    _, certain = answer(board_of({"a": values}))
    assert certain.startswith("None of these differences can be tested")
    assert "1 can't be tested" in answer(board_of({"a": values, "b": SURE}))[1]


def test_where_lower_is_better_the_sign_turns() -> None:
    told, certain = answer(board_of({"a": SURE}, "train_s"))
    assert "+1.00 s; only_norm is ahead in 0 and behind in 1" in told
    assert "zero in 0 for and 1 against only_norm." in certain


def test_equal_means_are_neither_ahead_nor_behind() -> None:
    assert "ahead in 0 and behind in 0, the same in 1 of 1 comparison." in answer(board_of({"a": [0.0, 0.0]}))[0]


def test_of_many_comparisons_some_are_sure_by_chance() -> None:
    assert "by chance alone, 1.0 would." in answer(board_of({str(number): SURE for number in range(20)}))[1]
    assert "chance" not in answer(board_of({"a": SURE}))[1]


def words(board: Board, *statuses: str) -> str:
    sweep: Any = type("Sweep", (), {"trials": statuses})
    return " ".join(summary(sweep, board, {str(n): State(status=each) for n, each in enumerate(statuses)}))


def test_words_of_a_finished_sweep_have_no_doubts() -> None:
    said = words(board_of({"a": SURE}), "done", "done")
    assert said.startswith("The sweep has 2 trials: 2 done. only_norm − all")
    assert said.endswith("excludes zero in 1 for and 0 against only_norm.")


def test_words_tell_what_is_missing_failed_and_mixed() -> None:
    assert "It isn't finished" in words(board_of({"a": SURE}), "done", "missing")
    failed = words(board_of({"a": SURE}, failures={"diverged": 1}), "done", "failed")
    assert "It isn't finished" not in failed
    assert "2 trials behind the board ended without a result" in failed
    mixed = board_of({"a": SURE}, origins=[Origin("H100", "c", "t", "1"), Origin("CPU", "c", "t", "1")])
    assert "Results differ in device, so that differences may not be the method's alone." in words(mixed, "done")


def test_words_without_a_pair() -> None:
    board = board_of({"a": SURE})
    alone = dataclasses.replace(board, cells={key: cell for key, cell in board.cells.items() if key[2] == "all"})
    assert "No cell has both only_norm and all" in words(alone, "done")
    assert "No trial is done yet: none of 0 has a test_accuracy." in words(board_of({}), "missing")
