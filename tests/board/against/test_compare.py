"""Against the paper: its own cells loaded as results are reproduced; shifted ones are lower or higher."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from bench.board import board as aggregate
from bench.board import make_board, show_board
from bench.board.against.claims import claims_of, conclusions
from bench.board.against.compare import Comparison, compare
from bench.board.layouts.paper import PaperLayout
from bench.board.metric import METRICS
from bench.papers.sam_on.deviations import deviations
from bench.papers.sam_on.forms import FORMS
from bench.papers.sam_on.numbers import PaperCell, Subject, numbers
from bench.papers.sam_on.recipes import RECIPES
from bench.resources import Resources, Retries
from bench.store import Store
from bench.sweep import Sweep
from bench.trial import FIELDS, NONE, Trial

ETA = {"elementwise_l2_orig": 0.01, "fisher": 1.0, "elementwise_l2": 0.0, "elementwise_linf": 0.0, "layerwise_l2": 0.0}
TABLES = sorted({cell.table for cell in numbers().cells}, key=lambda name: int(name.removeprefix("table")))
RECIPE = {
    "table2": "imagenet-resnet50",
    "table3": "cifar-vit",
    "table4": "imagenet-vit-s32",
    "table13": "imagenet-vit-s16-finetune",
    "table15": "imagenet-vit-s32",
}
Load = Callable[[str, float], list[Comparison]]


def trials_of(cell: PaperCell) -> list[Trial]:
    """Three seeds of what the cell is about, trained as the paper does."""
    recipe = RECIPES[RECIPE.get(cell.table, "cifar-resnet")].values
    subject = dataclasses.asdict(cell.subject)
    finetuned, sparsity = subject.pop("finetuned"), subject.pop("sparsity")
    settings = {"momentum": 0.9} if subject["optimizer"] == "sgd" else {"beta1": 0.9, "beta2": 0.99}
    if subject["optimizer"] == "adamw":
        settings["beta2"] = 0.999
    settings |= {"eta": ETA[subject["variant"]]} if subject["variant"] in ETA else {}
    settings |= {"sparsity": sparsity} if sparsity is not None else {}
    fields = {name: recipe[name] for name in recipe if name in FIELDS} | subject
    fields["init_from"] = recipe.get("init_from", "") if finetuned else ""
    fields["rho"] = subject["rho"] or (None if subject["variant"] == NONE else 0.1)
    return [Trial(**fields, seed=seed, settings=tuple(sorted(settings.items()))) for seed in range(3)]


def sweep_of(table: str, measure: str, cells: Sequence[PaperCell]) -> Sweep:
    trials = {trial.trial_id: trial for cell in cells for trial in trials_of(cell)}
    plain: dict[str, Any] = {field.name: None for field in dataclasses.fields(Sweep)}
    known = {"name": table, "file": Path(f"{table}.yaml"), "title": table, "trials": tuple(trials.values())}
    known |= {"measures": (measure,), "resources": Resources(), "retries": Retries(), "paper": table, "notes": ()}
    return Sweep(**(plain | known | {"guesses": frozenset(), "choices": ()}))


def results_of(cells: Sequence[PaperCell], stds: float) -> dict[str, dict[str, Any]]:
    """Per trial its result: mean − std, mean, mean + std have exactly that mean and sample std."""
    results = {}
    for cell in cells:
        std = cell.std or 0.0
        # A printed 0.0 stands for less than half a unit: a shift by 5 of them would be none.
        shift = stds * (std or cell.unit)
        for trial in trials_of(cell):
            value = None if cell.mean is None else cell.mean + shift + (trial.seed - 1) * std
            results[trial.trial_id] = {"outcome": "done", cell.measure: value, "val_accuracy": None}
    return results


@pytest.fixture
def load_table(monkeypatch: pytest.MonkeyPatch, store: Store) -> Load:
    """The comparisons of a whole table, of every measure, with results shifted by a number of stds."""

    def loaded(table: str, stds: float) -> list[Comparison]:
        compared = []
        for measure in dict.fromkeys(cell.measure for cell in numbers().cells if cell.table == table):
            cells = [cell for cell in numbers().cells if (cell.table, cell.measure) == (table, measure)]
            sweep = sweep_of(table, measure, cells)
            results = results_of(cells, stds)
            monkeypatch.setattr(aggregate, "read_results", lambda *_, results=results: results)
            board = make_board(store, sweep, layout=PaperLayout.of_table(table, sweep.trials))
            found = compare(board, table)
            assert {id(each.paper) for each in found} == set(map(id, cells))
            compared += found
        return compared

    return loaded


def comparable(compared: Sequence[Comparison]) -> Iterator[Comparison]:
    return (each for each in compared if each.paper and each.paper.mean is not None and each.paper.std is not None)


def test_how_many_of_the_cells_trials_can_be_about() -> None:
    cells = numbers().cells
    assert (len(cells), len(numbers().unmapped), len(cells) + len(numbers().unmapped)) == (601, 3, 604)
    assert sum(cell.mean is None for cell in cells) == 45
    assert sum(cell.mean is not None and cell.std is None for cell in cells) == 17
    assert set(TABLES) == set(FORMS)
    assert all(reason for _, reason in numbers().unmapped)


@pytest.mark.parametrize("table", TABLES)
def test_the_papers_own_cells_are_reproduced(load_table: Load, table: str) -> None:
    compared = load_table(table, 0)
    for each in compared:
        assert each.paper is not None
        if each.paper.mean is None:
            expected = ("not comparable", "lost in the paper's text")
        elif each.paper.std is None:
            expected = ("not comparable", "the paper gives no std")
        else:
            expected = ("reproduced", "")
        assert (each.judgement.word, each.judgement.reason) == expected, each.paper


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(("stds", "word"), [(-5, "lower"), (5, "higher")])
def test_cells_shifted_by_five_std(load_table: Load, table: str, stds: float, word: str) -> None:
    compared = list(comparable(load_table(table, stds)))
    assert all(each.judgement.word == word for each in compared), [
        (each.paper, each.judgement) for each in compared if each.judgement.word != word
    ]


def test_every_unsure_cell_is_marked(load_table: Load) -> None:
    notes = {each.paper.note for each in load_table("table11", 0) if each.paper}
    assert len(notes) == 2
    assert all("augmentation not stated" in note for note in notes)
    assert {each.paper.note for each in load_table("table5", 0) if each.paper} == {""}


def test_marks_lead_to_what_is_unsure(monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
    cells = [cell for cell in numbers().cells if cell.table == "table11"]
    results = results_of(cells, 0)
    monkeypatch.setattr(aggregate, "read_results", lambda *_: results)
    page = show_board(store, sweep_of("table11", "test_accuracy", cells), against="paper")
    entries = [line.entries[1] for block in page.grids[0].blocks for line in block.lines]
    assert {entry.marks for entry in entries} == {"1", "2"}
    assert [note[:18] for note in page.notes[-2:]] == ["(1) augmentation n", "(2) one of 3 seeds"]


def test_claims_agree_with_themselves(load_table: Load) -> None:
    tested = claims_of(load_table("table1", 0))
    said = conclusions(tested, METRICS["test_accuracy"])
    first = next(iter(tested))
    assert (first.text, len(tested[first])) == ("only_norm beats all", 36)
    assert all(test.agrees for test in tested[first])
    assert "the sign is the paper's in 100 %: 36 of 36." in said[0]
    assert len(said) == 3


@pytest.fixture
def cell() -> PaperCell:
    return next(cell for cell in numbers().cells if cell.subject.variant == "fisher")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"epochs": 2, "perturb_until": None}, "epochs 2 (paper: 200)"),
        ({"lr": 0.05}, "lr 0.05 (paper: 0.1)"),
        ({"label_noise": 0.4}, "label_noise 0.4 (paper: 0)"),
        ({"m": 32}, "m 32 (paper: the whole batch)"),
        ({"settings": (("eta", 1.0), ("momentum", 0.5))}, "momentum 0.5 (paper: 0.9)"),
        ({"settings": (("eta", 2.0), ("momentum", 0.9))}, "eta 2 (paper: 1)"),
    ],
)
def test_what_is_trained_otherwise_is_not_comparable(cell: PaperCell, change: dict[str, Any], told: str) -> None:
    trial = trials_of(cell)[0]
    assert deviations(trial, "table1") == []
    assert deviations(dataclasses.replace(trial, **change), "table1") == [told]


def test_rounding_and_the_choice_of_rho_leave_a_trial_comparable(cell: PaperCell) -> None:
    trial = dataclasses.replace(trials_of(cell)[0], precision="bfloat16", compile=True, rho=7.0)
    assert deviations(trial, "table1") == []
    assert numbers().find(trial, "test_accuracy", "table1") is cell


def test_the_sparsity_of_only_norm_is_a_number_in_the_paper() -> None:
    cell = next(cell for cell in numbers().cells if cell.subject.scope == "random")
    trial = dataclasses.replace(trials_of(cell)[0], settings=(("mask_seed", 0), ("sparsity", "only_norm")))
    assert numbers().find(trial, "test_accuracy", "table5") is cell


def test_a_trial_of_something_else_has_no_cell(make_trial: Callable[..., Trial]) -> None:
    assert numbers().find(make_trial(), "test_accuracy") is None
    assert Subject.of(make_trial()).dataset == "digits"
