"""The paper's layouts, the free layout, selected trials, and results of mixed origin."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.board import make_board, show_board
from bench.board.aggregate import read_results
from bench.board.metric import METRICS
from bench.board.origin import Footnotes, Origin
from bench.board.page import Page
from bench.board.paper_layout import form_of
from bench.board.remarks import remarks_of
from bench.errors import UserError
from bench.spec import Sweep, load
from bench.store import Store, acquire
from bench.store.results import write_measures
from bench.trial import Trial
from tests.store.test_claim import ended
from tests.store.test_query import finish

SMALL = """
title: "Small"
recipe: cifar-resnet
grid: {dataset: cifar100, model: [resnet56, wrn28_10], augment: [basic, basic+aa], seed: 2}
methods:
  - {variant: [fisher, sam], scope: [only_norm, all], rho: [0.1, 1]}
  - {}
paper: table1
"""

Write = Callable[[str], Sweep]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(text: str) -> Sweep:
        file = tmp_path / "written.yaml"
        file.write_text(text, encoding="utf-8")
        return load(file)

    return written


def labels(page: Page) -> list[list[str]]:
    return [[line.label for line in block.lines] for block in page.grids[0].blocks]


@pytest.mark.parametrize(
    ("paper", "form"),
    [("table1", "table1"), ("Table 10", "table10"), ("figure1", None), (None, None), ("table7", None)],
)
def test_which_sweeps_are_laid_out_as_a_table(paper: str | None, form: str | None) -> None:
    assert form_of(paper) == form


def test_table_1_has_augmentations_as_blocks_and_all_beside_on(store: Store, write: Write) -> None:
    (grid,) = show_board(store, write(SMALL)).grids
    assert [[title.text for title in level] for level in grid.titles] == [
        ["ResNet-56", "WRN-28-10"],
        ["all", "ON", "all", "ON"],
    ]
    assert [block.heading for block in grid.blocks] == ["basic", "basic + AA"]
    assert [[line.label for line in block.lines] for block in grid.blocks] == [["SGD", "SAM", "Fisher"]] * 2
    assert [entry.span for entry in grid.blocks[0].lines[0].entries] == [2, 2]


def test_table_3_has_data_sets_as_blocks(store: Store, write: Write) -> None:
    text = SMALL.replace("cifar-resnet", "cifar-vit").replace("[resnet56, wrn28_10]", "vit_t4")
    text = text.replace("dataset: cifar100", "dataset: [cifar10, cifar100]").replace(", augment: [basic, basic+aa]", "")
    page = show_board(store, write(text.replace("table1", "table3")))
    assert [block.heading for block in page.grids[0].blocks] == ["CIFAR-10", "CIFAR-100"]
    assert labels(page)[0] == ["AdamW", "SAM", "Fisher"]


def test_table_5_has_scopes_as_lines(store: Store, write: Write) -> None:
    text = """
title: "Sparse"
recipe: cifar-resnet
grid: {dataset: cifar100, model: wrn28_10, augment: basic, seed: 1}
methods:
  - {variant: sam, scope: [all, only_norm], rho: 1}
  - {variant: sam, scope: random, sparsity: only_norm, rho: 1}
  - {variant: sam, scope: ssam_f, sparsity: [0.5, 0.9995], rho: 0.2}
paper: table5
"""
    page = show_board(store, write(text))
    assert labels(page) == [
        [
            "SAM, all",
            "SAM, ON",
            "SAM, random mask, sparsity of ON",
            "SAM, SSAM-F, sparsity 50 %",
            "SAM, SSAM-F, sparsity 99.95 %",
        ]
    ]


def test_table_17_has_each_rho_as_a_line(store: Store, write: Write) -> None:
    text = """
title: "Only norm layers"
recipe: cifar-resnet
grid: {dataset: cifar10, model: [resnet101_cifar, wrn28_10], trainable: only_norm, seed: [0]}
methods: [{}, {variant: sam, scope: all, rho: [0.01, 0.05]}]
paper: table17
"""
    page = show_board(store, write(text))
    assert labels(page) == [["SGD", "SAM ρ 0.01 / all", "SAM ρ 0.05 / all"]]


def test_what_else_varies_is_named_in_the_block(store: Store, write: Write) -> None:
    page = show_board(store, write(SMALL.replace("seed: 2", "seed: 2, label_noise: [0.2, 0.4]")))
    assert [block.heading for block in page.grids[0].blocks][:2] == [
        "basic · label_noise 0.2",
        "basic · label_noise 0.4",
    ]


def test_free_rows_and_columns(store: Store, write: Write) -> None:
    page = show_board(store, write(SMALL), rows="variant,scope", columns="model,augment")
    (grid,) = page.grids
    assert grid.corner == "variant · scope"
    assert grid.joined_titles(" ") == [
        "resnet56 · basic", "resnet56 · basic+aa", "wrn28_10 · basic", "wrn28_10 · basic+aa"
    ]  # fmt: skip
    assert sorted(labels(page)[0]) == [
        "fisher · all",
        "fisher · only_norm",
        "none · none",
        "sam · all",
        "sam · only_norm",
    ]


def test_rho_as_a_column_is_not_chosen(store: Store, write: Write) -> None:
    page = show_board(
        store, write(SMALL), rows="variant,scope", columns="rho", conditions=["model=resnet56", "augment=basic"]
    )
    assert page.grids[0].joined_titles(" ") == ["0.1", "1", "–"]
    assert {record["chosen"] for record in page.records} == {True}


def test_conditions_on_one_field_are_alternatives(store: Store, write: Write) -> None:
    page = show_board(store, write(SMALL), conditions=["variant=none", "variant=sam", "rho=1e-1", "rho=–"])
    assert labels(page)[0] == ["SGD", "SAM"]
    assert {record["rho"] for record in page.records} == {None, 0.1}


BAD = {
    ("variat", "model"): "--rows: unknown field 'variat'; did you mean variant",
    ("variant", "modle"): "--cols: unknown field 'modle'; did you mean model",
    (
        "variant",
        "model",
    ): "would mix different methods: augment is basic and basic+aa; scope is only_norm and all. Add scope",
    ("variant", None): "--rows: goes with --cols",
    (None, "model"): "--cols: goes with --rows",
}


@pytest.mark.parametrize(("rows", "columns"), BAD)
def test_bad_fields(store: Store, write: Write, rows: str | None, columns: str | None) -> None:
    with pytest.raises(UserError) as error:
        show_board(store, write(SMALL), rows=rows, columns=columns)
    assert BAD[rows, columns] in str(error.value)


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        (["scope"], "--where scope: write FIELD=VALUE"),
        (["scop=all"], "--where: unknown field 'scop'; did you mean scope"),
        (["scope=only_nrm"], "--where scope=only_nrm: unknown value 'only_nrm'; did you mean only_norm"),
        (["variant=none", "scope=all"], "no trial of written has all of these values"),
    ],
)
def test_bad_conditions(store: Store, write: Write, conditions: list[str], message: str) -> None:
    with pytest.raises(UserError) as error:
        show_board(store, write(SMALL), conditions=conditions)
    assert message in str(error.value)


def done(store: Store, trial: Trial, value: float, **origin: object) -> None:
    """Put a finished trial into the store that was made with something particular."""
    store.add([trial])
    folder = store.folder(trial.trial_id)
    held = acquire(store, folder, "test", seen=99)
    assert held is not None
    write_measures(folder, {"test_accuracy": value})
    held.end(dataclasses.replace(ended(folder, held.number), outcome="done", **origin))  # type: ignore[arg-type]


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
    assert "  commit: aaaaaaaaaa in 5 results; (b) aaaaaaaaaa with changes in 1." in page.notes
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
        "  commit: a in 6 results; (c) 5 others in 8 results, such as b in 3, c in 2, d in 1.",
    ]


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
    assert remarks_of(sweep) == ("a, c: is a guess", "b: is lost", "alone")
