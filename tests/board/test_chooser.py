"""The best ρ of a search, from hand-made results in a store."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.board.chooser import StoreChooser
from bench.store import Readable, Store
from bench.sweep import SpecError, Sweep, load
from tests.shared.store import finish

SEARCH = """
title: "Search"
recipe: digits-resnet
grid: {model: resnet8, seed: 2}
methods: [{variant: sam, scope: [all, only_norm], rho: [0.1, 0.2, 0.4]}]
"""
USE = """
title: "Use"
recipe: digits-resnet
grid: {model: [resnet8, resnet20], seed: 1}
methods:
  - {}
  - {variant: sam, scope: [all, only_norm], rho: {choose: search}}
"""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "search.yaml").write_text(SEARCH, encoding="utf-8")
    (tmp_path / "use.yaml").write_text(USE, encoding="utf-8")
    return tmp_path


Values = dict[float, list[float | str]]
"""ρ → a result per seed, or how it failed."""


def fill(store: Store, folder: Path, values: Values, measure: str = "test_accuracy", scope: str = "all") -> None:
    """Results of one scope; the other's are 1, 2 and 3 % in the order of ρ."""
    for trial in load(folder / "search.yaml").trials:
        assert trial.rho is not None
        other = [1.0 + [0.1, 0.2, 0.4].index(trial.rho)] * 2
        found = (values if trial.scope == scope else {trial.rho: other}).get(trial.rho, [])
        if trial.seed >= len(found):
            continue
        value = found[trial.seed]
        if isinstance(value, str):
            finish(store, trial, value)
        else:
            finish(store, trial, **{measure: value})


def use(folder: Path, stores: Readable | None = None) -> Sweep:
    stores = Store.open(folder / "store") if stores is None else stores
    return load(folder / "use.yaml", chooser=StoreChooser(stores))


def chosen(sweep: Sweep) -> dict[str, set[float | None]]:
    return {scope: {trial.rho for trial in sweep.trials if trial.scope == scope} for scope in ("all", "only_norm")}


def test_the_highest_mean_is_chosen_per_scope(files: Path, store: Store) -> None:
    fill(store, files, {0.1: [90, 90], 0.2: [99, 85], 0.4: [80, 80]})
    loaded = use(files)
    assert chosen(loaded) == {"all": {0.2}, "only_norm": {0.4}}
    assert not loaded.waits
    assert (
        "ρ = 0.2 for digits sam/all: best of 0.1, 0.2, 0.4 in search by mean test_accuracy (92.00, n = 2)"
        in loaded.notes
    )


def test_validation_is_preferred_where_it_is_there(files: Path, store: Store) -> None:
    fill(store, files, {0.1: [90, 90], 0.2: [80, 80], 0.4: [70, 70]}, measure="val_accuracy")
    assert {choice.by for choice in use(files).choices} == {"val_accuracy"}


def test_of_a_measure_that_is_better_lower_the_lowest_mean_is_chosen(files: Path, store: Store) -> None:
    fill(store, files, {0.1: [0.3, 0.3], 0.2: [0.1, 0.3], 0.4: [0.4, 0.4]}, measure="sharpness")
    (files / "use.yaml").write_text(USE.replace("{choose: search}", '{choose: search, by: "sharpness[steps=20]"}'))
    assert chosen(use(files)) == {"all": {0.2}, "only_norm": {0.1}}


def test_of_equal_means_the_smallest_rho_is_taken_and_said(files: Path, store: Store) -> None:
    fill(store, files, {0.1: [50, 50], 0.2: [90, 70], 0.4: [80, 80]})
    loaded = use(files)
    assert chosen(loaded)["all"] == {0.2}
    assert loaded.choices[0].remarks == ("a tie with 0.4: the smallest ρ is taken",)
    assert any("a tie with 0.4" in note for note in loaded.notes)


def test_missing_seeds_are_waited_for(files: Path, store: Store) -> None:
    fill(store, files, {0.1: [50, 50], 0.2: [90], 0.4: [80, 80]})
    loaded = use(files)
    assert chosen(loaded) == {"all": set(), "only_norm": {0.4}}
    (wait,) = loaded.waits
    assert [(trial.rho, trial.seed) for trial in wait.trials] == [(0.2, 1)]
    assert wait.as_dict()["group"] == {"dataset": "digits", "variant": "sam", "scope": "all"}


def test_a_rho_with_a_failed_seed_is_left_out_and_said(files: Path, store: Store) -> None:
    fill(store, files, {0.1: [50, 50], 0.2: [80, 80], 0.4: [99, "diverged"]})
    loaded = use(files)
    assert chosen(loaded)["all"] == {0.2}
    assert loaded.choices[0].remarks == ("ρ 0.4 left out: 1 of 2 seeds have a result",)


def test_all_seeds_of_all_rho_lack_one(files: Path, store: Store) -> None:
    fill(store, files, {0.1: [50, "oom"], 0.2: [80, "diverged"], 0.4: [70, "error"]})
    loaded = use(files)
    assert chosen(loaded)["all"] == {0.2}
    assert loaded.choices[0].remarks == ("1 of 2 seeds have no result",)


def test_nothing_but_failures_is_a_fault(files: Path, store: Store) -> None:
    fill(store, files, {rho: ["diverged"] * 2 for rho in (0.1, 0.2, 0.4)})
    with pytest.raises(SpecError, match=r"use\.yaml:7:50: .*search, digits sam/all: all 6 trials failed"):
        use(files)


def test_a_measure_that_was_not_taken_is_a_fault(files: Path, store: Store) -> None:
    fill(store, files, {0.1: [1, 1], 0.2: [1, 1], 0.4: [1, 1]})
    (files / "use.yaml").write_text(USE.replace("{choose: search}", "{choose: search, by: best_val_accuracy}"))
    with pytest.raises(SpecError, match="6 of 6 finished trials have no best_val_accuracy; choose by another measure"):
        use(files)


def test_without_a_store_everything_is_waited_for(files: Path) -> None:
    loaded = use(files, ())
    assert sum(len(wait.trials) for wait in loaded.waits) == 12
    assert len(loaded.trials) == 2
