"""Where results come from, what else is told beside them, and other metrics than accuracies."""

from __future__ import annotations

import dataclasses

import pytest

from bench.board import make_board, show_board
from bench.board.board import read_results
from bench.board.footnotes import Footnotes, Origin
from bench.board.metric import METRICS
from bench.store import Store
from bench.sweep.grouped_notes import grouped_notes
from tests.board.conftest import Write, labels
from tests.shared.store import done, finish

ONE = """
title: "One"
recipe: digits-resnet
grid: {model: [resnet8, resnet20], seed: 3}
"""


def test_results_of_mixed_origin_have_a_footnote(store: Store, write: Write) -> None:
    usual = {"device": "H100", "git_commit": "a" * 40, "git_dirty": False, "torch": "2.9.0", "world_size": 1}
    for trial in write(ONE).trials:
        odd = trial.model == "resnet20" and trial.seed == 0
        done(store, trial, 90.0 + trial.seed, **(usual | ({"device": "CPU", "git_dirty": True} if odd else {})))
    page = show_board(store, write(ONE))
    first, second = page.grids[0].blocks[0].lines[0].entries
    assert (first.marks, second.marks) == ("", "a,b")
    assert "Made with: torch 2.9.0, processes 1." in page.notes
    assert "  device: H100 in 5 results; (a) CPU in 1." in page.notes
    assert "  code: commit aaaaaaaaaa in 5 results; (b) commit aaaaaaaaaa with changes in 1." in page.notes
    assert page.records[1]["device"] == "CPU; H100"


def test_many_origins_share_a_letter_and_a_line() -> None:
    origins = [Origin("H100", commit, "t", "1") for commit in "aaaabbbccdef"]
    origins += [Origin("CPU", "a", "t", "1"), Origin("A100", "a", "t", "1")]
    footnotes = Footnotes.of(origins)
    assert [footnotes.marks([each]) for each in origins[3:]] == ["", *"cccccccc", "b", "a"]
    assert footnotes.marks([origins[4], origins[-1]]) == "a,c"
    assert footnotes.notes() == [
        "Made with: torch t, processes 1.",
        "Mixed origins, so that differences may not be the method's alone:",
        "  device: H100 in 12 results; (a) A100 in 1; (b) CPU in 1.",
        "  code: commit a in 6 results; (c) 5 others in 8 results, "
        "such as commit b in 3, commit c in 2, commit d in 1.",
    ]


def test_code_is_compared_part_by_part() -> None:
    def made(commit: str, **parts: str) -> Origin:
        return Origin("H100", commit, "t", "1", tuple(parts.items()))

    origins = [made("c", step="1", sam="1"), made("d", step="1", fisher="1"), made("d", step="1", sam="1")]
    assert Footnotes.of(origins).notes() == [
        "Made with: device H100, the same code, of commits c, d, torch t, processes 1."
    ]
    footnotes = Footnotes.of([*origins, made("d", step="2", sam="3"), Origin("H100", "c", "t", "1")])
    assert [footnotes.marks([each]) for each in origins] == ["", "", ""]
    assert footnotes.notes()[-1] == (
        "  code: the usual one in 3 results; (a) commit c in 1; (b) other step 2, other sam 3 in 1."
    )


def test_a_done_trial_without_the_metric_is_not_missing(store: Store, write: Write) -> None:
    for trial in write(ONE).trials:
        finish(store, trial, best_test_accuracy=1.0)
    entry = show_board(store, write(ONE)).grids[0].blocks[0].lines[0].entries[0]
    assert (entry.text, entry.details) == ("–", ("3 not measured",))


def test_base_optimizers_that_differ_in_a_setting_are_lines_of_their_own(store: Store, write: Write) -> None:
    page = show_board(store, write(ONE + "methods: [{momentum: [0.8, 0.9]}]\n"))
    assert labels(page) == [["base optimizer · momentum 0.8", "base optimizer · momentum 0.9"]]


def test_results_of_other_trials_are_not_read(store: Store, write: Write) -> None:
    trials = write(ONE).trials
    for trial in trials:
        finish(store, trial, test_accuracy=1.0)
    assert list(read_results(store, trials[:1], ["test_accuracy"])) == [trials[0].trial_id]


def test_of_costs_the_lowest_is_best_and_rho_is_chosen_by_accuracy(store: Store, write: Write) -> None:
    methods = "methods: [{variant: sam, scope: [all, only_norm], rho: [0.1, 0.2]}]\n"
    sweep = write(ONE.replace("[resnet8, resnet20]", "resnet8") + methods)
    for trial in sweep.trials:
        quick = trial.scope == "only_norm"
        resumed = trial.epochs // 2 if quick and trial.seed == 2 else 0
        done(
            store,
            trial,
            90.0 + trial.rho,
            train_s=10.0 - trial.rho - 5 * quick,
            epochs=trial.epochs,
            first_epoch=resumed,
        )
    board = make_board(store, sweep, "train_s")
    cells = [board.cells["sam", "resnet8", scope] for scope in ("all", "only_norm")]
    assert [cell.chosen.rho for cell in cells] == [0.2, 0.2]
    assert [cell.chosen.unmeasured for cell in cells] == [0, 1]
    assert board.best("resnet8") == board.better("sam", "resnet8") == ("sam", "resnet8", "only_norm")
    page = show_board(store, sweep, metric="train_s")
    assert page.notes[0].startswith("train_s in s, lower is better: mean")
    assert "−5.00 s; only_norm is ahead in 1 and behind in 0" in page.lead[0]
    means = [each["mean"] for each in show_board(store, sweep, metric="epoch_s").records if each["chosen"]]
    # One of only_norm's three was resumed half-way, and spent the same time on half of the epochs.
    assert [mean * sweep.trials[0].epochs for mean in means] == pytest.approx([9.8, (4.8 + 4.8 + 2 * 4.8) / 3])


def test_a_measure_may_be_better_where_it_is_lower(monkeypatch: pytest.MonkeyPatch, store: Store, write: Write) -> None:
    for trial in write(ONE).trials:
        done(store, trial, 90.0 + trial.seed + (trial.model == "resnet8"))
    layout = {"rows": "model", "columns": "dataset"}

    def underlined() -> list[bool]:
        return [line.entries[0].underline for line in show_board(store, write(ONE), **layout).grids[0].blocks[0].lines]

    assert underlined() == [True, False]
    lower = dataclasses.replace(METRICS["test_accuracy"], lower_is_better=True)
    monkeypatch.setitem(METRICS, "test_accuracy", lower)
    assert underlined() == [False, True]


def test_remarks_that_say_the_same_are_one(write: Write) -> None:
    sweep = dataclasses.replace(write(ONE), notes=("a: is a guess", "b: is lost", "c: is a guess", "alone"))
    assert grouped_notes(sweep) == ("a, c: is a guess", "b: is lost", "alone")
