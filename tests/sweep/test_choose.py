"""ρ chosen from another sweep: which trials are compared, what waits, and what is at fault."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from bench.sweep import SpecError, Sweep, Verdict, load
from bench.sweep.choose import Candidate
from bench.trial import Trial

SEARCH = """
title: "Search"
recipe: digits-resnet
grid: {model: [resnet8, resnet20], epochs: [1, 2], seed: 2}
methods: [{variant: [sam, fisher], scope: [all, only_norm], rho: [0.1, 0.5]}]
"""
USE = """
title: "Use"
recipe: digits-resnet
grid: {model: [resnet8, resnet56], epochs: [1, 2], seed: 3}
methods:
  - {}
  - {variant: sam, scope: [all, only_norm], rho: {choose: search, where: {model: resnet8}}}
"""


class Largest:
    """A chooser that takes the largest ρ, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[Sequence[Trial], str | None]] = []

    def __call__(self, search: Sweep, trials: Sequence[Trial], by: str | None) -> Verdict:
        self.asked.append((trials, by))
        rhos = sorted({trial.rho or 0.0 for trial in trials})
        candidates = tuple(Candidate(rho=rho, mean=100 * rho, n=2, expected=2) for rho in rhos)
        return Verdict(by=by or "val_accuracy", candidates=candidates, chosen=candidates[-1])


def write(folder: Path, **texts: str) -> Path:
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder / "use.yaml"


def test_a_choice_is_made_per_group(tmp_path: Path) -> None:
    chooser = Largest()
    loaded = load(write(tmp_path, search=SEARCH, use=USE), chooser=chooser)
    assert len(loaded.trials) == 2 * 2 * 3 * (1 + 2)
    assert {trial.rho for trial in loaded.trials} == {None, 0.5}
    # Both sweeps vary the number of epochs, and the search is pinned to one model: 2 scopes × 2 numbers of epochs.
    assert len(chooser.asked) == len(loaded.choices) == 4
    for trials, _ in chooser.asked:
        assert {trial.model for trial in trials} == {"resnet8"}
        assert len({(trial.scope, trial.variant, trial.epochs) for trial in trials}) == 1
        assert sorted((trial.rho, trial.seed) for trial in trials) == [(0.1, 0), (0.1, 1), (0.5, 0), (0.5, 1)]
    told = "ρ = 0.5 for digits sam/all, epochs 1: best of 0.1, 0.5 in search by mean val_accuracy (50.00, n = 2)"
    assert told in loaded.notes
    assert loaded.choices[0].as_dict()["candidates"][0] == {"rho": 0.1, "mean": 10.0, "n": 2, "expected": 2}
    assert loaded.choices[0].as_dict()["where"] == {"model": ["resnet8"]}


def test_what_can_not_be_chosen_yet_waits(tmp_path: Path) -> None:
    loaded = load(write(tmp_path, search=SEARCH, use=USE))
    assert {trial.variant for trial in loaded.trials} == {"none"}
    assert len(loaded.waits) == 4
    assert {wait.sweep for wait in loaded.waits} == {"search"}
    assert sum(len(wait.trials) for wait in loaded.waits) == 16
    assert len(loaded.held) == 2 * 2 * 3 * 2


def test_a_search_that_waits_itself_is_waited_for(tmp_path: Path) -> None:
    middle = USE.replace('title: "Use"', 'title: "Middle"')
    text = USE.replace("choose: search", "choose: middle")
    loaded = load(write(tmp_path, search=SEARCH, middle=middle, use=text))
    assert {wait.sweep for wait in loaded.waits} == {"search"}


def test_excluded_trials_wait_for_nothing(tmp_path: Path) -> None:
    loaded = load(write(tmp_path, search=SEARCH, use=USE + "exclude: [{scope: only_norm}, {epochs: 1}]\n"))
    assert len(loaded.waits) == 1


def test_a_search_with_one_model_needs_no_where(tmp_path: Path) -> None:
    search = SEARCH.replace("[resnet8, resnet20]", "resnet8")
    loaded = load(write(tmp_path, search=search, use=USE.replace(", where: {model: resnet8}", "")), chooser=Largest())
    assert len(loaded.choices) == 4


def test_paths_and_measures(tmp_path: Path) -> None:
    chooser = Largest()
    (tmp_path / "other").mkdir()
    write(tmp_path / "other", search=SEARCH)
    text = USE.replace("choose: search", "by: test_accuracy, choose: other/search.yaml")
    loaded = load(write(tmp_path, use=text), chooser=chooser)
    assert {by for _, by in chooser.asked} == {"test_accuracy"}
    assert {choice.by for choice in loaded.choices} == {"test_accuracy"}


FAULTS = {
    "{choose: serch}": "unknown sweep 'serch'; did you mean search; valid: search, use (looked for",
    "{choose: [1]}": "choose names another sweep, such as rho-cifar100, not [1]",
    "{chose: search}": "unknown key 'chose'; did you mean choose; valid: choose, where, by",
    "{where: {model: resnet8}}": "choose names another sweep",
    "{choose: search, by: accuracy}": "unknown measure 'accuracy'",
    "{choose: search, where: resnet8}": "where is a mapping such as {model: resnet56}, not 'resnet8'",
    "{choose: search, where: {modle: resnet8}}": "where: unknown field 'modle'; did you mean model",
    "{choose: search, where: {model: resnet9}}": "where: model: unknown model 'resnet9'",
    "{choose: search, where: {rho: 1}}": "where: unknown field 'rho'",
    "{choose: search, where: {model: vit_mini}}": "no trial of search matches where: model: vit_mini",
    "{choose: search}": "search varies model (resnet20, resnet8) and has no resnet56; choose one of them by where",
}


@pytest.mark.parametrize("choose", FAULTS)
def test_fault(tmp_path: Path, choose: str) -> None:
    file = write(tmp_path, search=SEARCH, use=USE.replace("{choose: search, where: {model: resnet8}}", choose))
    with pytest.raises(SpecError) as caught:
        load(file, chooser=Largest())
    assert len(caught.value.faults) == 1
    told = str(caught.value)
    assert told.startswith(f"{file}:7:50: methods[1].rho: ")
    assert FAULTS[choose] in told


def test_a_method_that_was_not_searched(tmp_path: Path) -> None:
    file = write(tmp_path, search=SEARCH, use=USE.replace("variant: sam", "variant: layerwise_l2"))
    with pytest.raises(
        SpecError, match=r"search searches no ρ for digits layerwise_l2/all; it does for: digits sam/all"
    ):
        load(file)


def test_faults_of_the_search_are_told_with_their_own_place(tmp_path: Path) -> None:
    write(tmp_path, search=SEARCH.replace("epochs: [1, 2]", "epochs: 0"), use=USE)
    with pytest.raises(SpecError, match=r"search\.yaml:4:44: grid\.epochs: input should be greater than or equal to 1"):
        load(tmp_path / "use.yaml")


def test_a_circle_names_the_chain(tmp_path: Path) -> None:
    first = USE.replace("choose: search", "choose: second")
    second = USE.replace("choose: search", "choose: use")
    with pytest.raises(SpecError, match=r"second\.yaml:7:50: .*circular `choose`: use → second → use"):
        load(write(tmp_path, second=second, use=first))
    with pytest.raises(SpecError, match=r"circular `choose`: use → use"):
        load(write(tmp_path, use=USE.replace("choose: search", "choose: use")))


def test_overrides_do_not_reach_the_search(tmp_path: Path) -> None:
    chooser = Largest()
    load(write(tmp_path, search=SEARCH, use=USE), {"seed": "1"}, chooser)
    assert {trial.seed for trials, _ in chooser.asked for trial in trials} == {0, 1}


def test_all_trials_of_a_group_failed(tmp_path: Path) -> None:
    def chooser(search: Sweep, trials: Sequence[Trial], by: str | None) -> Verdict:
        return Verdict(by="test_accuracy", candidates=(), chosen=None, problem="all failed")

    with pytest.raises(
        SpecError, match=r"use\.yaml:7:50: methods\[1\]\.rho: search, digits sam/all, epochs 1: all failed"
    ):
        load(write(tmp_path, search=SEARCH, use=USE), chooser=chooser)


class WaitsForOneModel(Largest):
    """A chooser that has results of every model but one."""

    def __init__(self, *lacking: str) -> None:
        super().__init__()
        self.lacking = lacking

    def __call__(self, search: Sweep, trials: Sequence[Trial], by: str | None) -> Verdict:
        if trials[0].model in self.lacking:
            return Verdict(by=by or "", candidates=(), chosen=None, missing=tuple(trials))
        return super().__call__(search, trials, by)


TWO_CHOICES = """
title: "Use"
recipe: digits-resnet
grid: {epochs: 1, seed: 1}
methods:
  - {model: resnet8, variant: sam, scope: all, rho: {choose: search, where: {model: resnet8}}}
  - {model: resnet20, variant: sam, scope: all, rho: {choose: search, where: {model: resnet20}}}
"""


def test_choices_of_one_group_by_different_trials_wait_apart(tmp_path: Path) -> None:
    file = write(tmp_path, search=SEARCH, use=TWO_CHOICES)
    one = load(file, chooser=WaitsForOneModel("resnet8"))
    assert [trial.model for trial in one.trials] == ["resnet20"]
    assert [trial.model for trial in one.held] == ["resnet8"], "what is decided waits for nothing"
    both = load(file, chooser=WaitsForOneModel("resnet8", "resnet20"))
    assert {trial.model for wait in both.waits for trial in wait.trials} == {"resnet8", "resnet20"}
