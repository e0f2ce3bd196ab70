"""The paper's layouts, the free layout, and selected trials."""

from __future__ import annotations

import dataclasses

import pytest

from bench.board import formats, make_board, show_board
from bench.errors import UserError
from bench.papers.sam_on.forms import form_of
from bench.store import Store
from bench.sweep import load
from bench.sweep.select import where
from tests.board.conftest import Write, labels
from tests.shared.command import ROOT

SMALL = """
title: "Small"
recipe: cifar-resnet
grid: {dataset: cifar100, model: [resnet56, wrn28_10], augment: [basic, basic+aa], seed: 2}
methods:
  - {variant: [fisher, sam], scope: [only_norm, all], rho: [0.1, 1]}
  - {}
paper: table1
"""


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


OWN = SMALL.replace("paper: table1", "rows: [variant, scope]\ncolumns: [model, augment]\npaper: table1")


def test_a_sweep_has_its_own_layout_unless_another_is_asked_for(store: Store, write: Write) -> None:
    sweep = write(OWN)
    assert (
        show_board(store, sweep).grids == show_board(store, sweep, rows="variant,scope", columns="model,augment").grids
    )
    other = show_board(store, sweep, rows="variant,scope,augment", columns="model")
    assert other.grids[0].joined_titles(" ") == ["resnet56", "wrn28_10"]
    assert show_board(store, sweep, against="paper").grids == show_board(store, write(SMALL), against="paper").grids


@pytest.mark.parametrize("name", ["norm-dropout", "batch-and-m", "weight-decay"])
def test_sweeps_with_many_columns_fit_a_terminal(store: Store, name: str) -> None:
    page = show_board(store, load(ROOT / "sweeps" / f"cifar100-{name}.yaml"))
    rows = [line.strip("|").split("|") for line in formats.markdown(page).splitlines() if line.startswith("|")]
    widths = [max(len(part) for row in rows for part in row[column].split("<br>")) for column in range(len(rows[0]))]
    assert sum(widths) + len(widths) < 120


def test_rho_as_a_column_is_not_chosen(store: Store, write: Write) -> None:
    sweep = where(write(SMALL), ["model=resnet56", "augment=basic"])
    page = show_board(store, sweep, rows="variant,scope", columns="rho")
    assert page.grids[0].joined_titles(" ") == ["0.1", "1", "–"]
    assert {record["chosen"] for record in page.records} == {True}


def test_conditions_on_one_field_are_alternatives(store: Store, write: Write) -> None:
    page = show_board(store, where(write(SMALL), ["variant=none", "variant=sam", "rho=1e-1", "rho=–"]))
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


TABLE_2 = """
title: "Two"
recipe: imagenet-resnet50
grid: {seed: 1}
methods:
  - {}
  - {variant: sam, scope: all, rho: paper}
  - {variant: layerwise_l2, scope: [all, only_norm], rho: paper}
paper: table2
"""


def test_what_table_2_cites_is_shown_as_cited(store: Store, write: Write) -> None:
    page = show_board(store, write(TABLE_2))
    *_, cited = page.grids[0].blocks
    assert cited.heading == "cited"
    told = [(line.label, [(entry.text, entry.details) for entry in line.entries]) for line in cited.lines]
    assert told == [
        ("ESAM", [("77.05", ("cited",)), ("–", ())]),
        ("GSAM", [("77.20", ("cited",)), ("–", ())]),
    ]
    assert any(note.startswith("Cited, neither trained here nor by the paper: ESAM 77.05") for note in page.notes)
    assert [(each["row"], each["mean"]) for each in page.facts["cited"]] == [("ESAM", 77.05), ("GSAM", 77.2)]
    assert not [record for record in page.records if record["row"] in ("ESAM", "GSAM")], "never as ours"


def test_nothing_is_cited_under_another_metric_or_table(store: Store, write: Write) -> None:
    assert not show_board(store, write(TABLE_2), metric="best_test_accuracy").facts["cited"]
    other = show_board(store, write(TABLE_2.replace("table2", "table1")))
    assert not other.facts["cited"]
    assert "cited" not in [block.heading for block in other.grids[0].blocks]


def test_cited_rows_are_not_said_to_lack_trials(store: Store, write: Write) -> None:
    page = show_board(store, write(TABLE_2), against="paper")
    assert "Of table2, 4 cells have no trial in this sweep." in page.notes
    assert any(note.startswith("Cited, neither") for note in page.notes)


LATE = """
title: "Late"
grid: {dataset: digits, model: resnet8, optimizer: sgd, lr: 0.1, weight_decay: 0, batch_size: 64, epochs: 10, seed: 1}
methods:
  - {}
  - {variant: sam, scope: [all, only_norm], rho: 1, perturb_from: [0, 8]}
"""


def test_when_a_method_perturbs_is_told_in_its_row(store: Store, write: Write) -> None:
    page = show_board(store, write(LATE))
    assert labels(page) == [["base optimizer", "sam", "sam · perturb_from 8"]]
    assert len(page.grids[0].titles[0]) == 1


def test_fields_that_a_sweep_has_as_rows_are_of_the_method(store: Store, write: Write) -> None:
    text = LATE.replace("perturb_from: [0, 8]", "norm_dropout: [0, 0.1]")
    sweep = write(f"{text}rows: [variant, scope, norm_dropout]\ncolumns: [model]\n")
    board = make_board(store, sweep)
    assert board.rows == ("base optimizer", "sam", "sam · norm_dropout 0.1")
    assert board.columns == ("resnet8",)
    assert len(make_board(store, dataclasses.replace(sweep, rows=(), columns=())).columns) == 2
