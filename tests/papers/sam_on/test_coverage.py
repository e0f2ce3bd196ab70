"""The thirty rows: every sweep of the paper trains and measures what its table or figure shows, and no more."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from functools import cache

import pytest

from bench.measures.names import parse
from bench.papers.sam_on.exhibits import EXHIBITS, Exhibit
from bench.plots import PLOTS
from bench.sweep import Sweep, load
from tests.conftest import ROOT
from tests.papers.sam_on.coverage import BASE, WHOLE, run_of
from tests.papers.sam_on.coverage_measures import MEASURES
from tests.shared.pages import reproducing

BY_NAME = {exhibit.name: exhibit for exhibit in EXHIBITS}
ROWS = [(name, sweep) for name, sweeps in WHOLE.items() for sweep in sweeps]


@cache
def sweep(name: str) -> Sweep:
    return load(ROOT / "sweeps" / f"{name}.yaml")


def test_tables_figures_and_appendices_are_in_order() -> None:
    tables, figures = (
        [f"{kind} {number}" for number in range(1, last + 1)] for kind, last in (("Table", 19), ("Figure", 11))
    )
    names = list(BY_NAME)
    assert names[:30] == tables + figures == list(WHOLE)
    assert all(name.startswith(("App. B", "App. C")) for name in names[30:])
    assert len(BY_NAME) == len(EXHIBITS)


@pytest.mark.parametrize("name", WHOLE)
def test_an_exhibit_has_its_sweeps(name: str) -> None:
    searched_again = {f"{each}-own-rho" for each in WHOLE[name]}
    assert set(BY_NAME[name].sweeps) - searched_again == set(WHOLE[name])
    assert bool(BY_NAME[name].instead) == (not WHOLE[name])


@pytest.mark.parametrize(("name", "file"), ROWS)
def test_a_sweep_trains_what_its_row_shows(name: str, file: str) -> None:
    count, runs = WHOLE[name][file]
    trained = {run_of(trial) for trial in sweep(file).trials}
    assert not sweep(file).held
    # Told by the fields that they differ in: a whole set is unreadable.
    assert [dict(zip(BASE, run, strict=True)) for run in (trained ^ runs)][:3] == []
    assert len(sweep(file).trials) == len(runs) == count


@pytest.mark.parametrize(("name", "file"), ROWS)
def test_a_sweep_measures_what_its_row_shows(name: str, file: str) -> None:
    wanted = MEASURES.get(name, {}).get(file, ("test_accuracy",))
    assert {parse(measure).name for measure in wanted} <= set(sweep(file).measures)


def test_lion_has_its_own_betas() -> None:
    betas = {
        trial.optimizer: (trial.setting("beta1"), trial.setting("beta2")) for trial in sweep("imagenet-vit-s32").trials
    }
    assert betas == {"adamw": (0.9, 0.999), "lion": (0.9, 0.99)}


@pytest.mark.parametrize("exhibit", EXHIBITS, ids=lambda exhibit: exhibit.name)
def test_commands_name_what_there_is(exhibit: Exhibit) -> None:
    for view in exhibit.views:
        verb, *options = view.show.split(" ", 2)
        if verb == "plot":
            assert options[0] == "--kind"
            assert options[1] in PLOTS
        else:
            assert verb == "board"
            assert not options or parse(options[1].strip("'")).name in sweep(view.sweep).measures


def test_every_sweep_of_the_paper_is_in_a_row() -> None:
    shown = {view.sweep for exhibit in EXHIBITS for view in exhibit.views}
    files = {file.stem for file in (ROOT / "sweeps").glob("*.yaml")}
    assert files - shown == {
        "cheap-sam",
        "cheap-sam-digits",
        "demo",
        "methods",
        "scopes-of-all-methods",
        "scopes-of-all-methods-digits",
        "translation-small",
    }


@pytest.mark.parametrize(("one", "other"), [
    ("Figure 6", "Figure 1"), ("Figure 7", "Figure 2"), ("Table 5", "Table 12"), ("Table 6", "Table 1"),
    ("Figure 5", "Figure 9"), ("Figure 9", "Table 1"), ("Table 14", "Table 6"), ("Table 15", "Table 4"),
])  # fmt: skip
def test_what_is_shown_twice_is_trained_once(one: str, other: str) -> None:
    part, whole = ({t.trial_id for file in WHOLE[name] for t in sweep(file).trials} for name in (one, other))
    assert part <= whole


def test_the_page_is_what_the_sweeps_say() -> None:
    text = reproducing.PAGE.read_text(encoding="utf-8")
    assert text == reproducing.written(), "write it anew: python -m tests.shared.pages.reproducing"


def test_the_list_of_sweeps_shows_every_row(sambench: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    shown = sambench("sweeps", ROOT / "sweeps").stdout
    places = [shown.index(f"\n {exhibit.name} ") for exhibit in EXHIBITS]
    assert places == sorted(places)
    assert "guesses: accuracy over ρ, a panel for each variant; all six variants" in shown
    assert "sambench plot cifar100-weights --kind weights" in shown
